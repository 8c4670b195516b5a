import BMSCore

/// The direction in which the current of a battery flows.
public enum CurrentDirection: String, Hashable, Sendable, CaseIterable {
    /// The battery is being charged, by half an ampere or more.
    case charging
    /// The battery is being discharged, by half an ampere or more.
    case discharging
    /// Less than that flows.
    case idle
}

/// Follows the direction of a current that flickers around zero: it is left when it has not been seen for a minute.
struct DirectionFollower: Sendable {
    /// A current from here on flows; the sensor with one loop is blind below 0.3 A.
    private static let flowing = Milliamperes(500)
    /// A current that flowed has ended below here.
    private static let ended = Milliamperes(300)
    private static let patience: Int64 = 60_000

    /// The direction; `nil` before the first current.
    private(set) var direction: CurrentDirection?
    /// Time since which the direction is another one.
    private var leftAt: Timestamp?

    mutating func step(_ current: Milliamperes?, at now: Timestamp) {
        guard let current else { return }
        let candidate = Self.direction(current, from: direction)
        guard let direction else {
            self.direction = candidate
            return
        }
        guard candidate != direction else {
            leftAt = nil
            return
        }
        let since = min(leftAt ?? now, now)
        leftAt = since
        guard now - since >= Self.patience else { return }
        (self.direction, leftAt) = (candidate, nil)
    }

    private static func direction(_ current: Milliamperes, from before: CurrentDirection?) -> CurrentDirection {
        if current >= (before == .charging ? ended : flowing) { return .charging }
        if current <= .zero - (before == .discharging ? ended : flowing) { return .discharging }
        return .idle
    }
}
