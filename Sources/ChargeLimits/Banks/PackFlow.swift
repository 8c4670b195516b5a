import BMSCore

/// Knowledge of a pack's current.
struct PackFlow: Sendable {
    /// Current, mA, + charging; `nil` where the pack has no sensor or was never heard.
    var current: Int?
    /// Time of the measurement.
    var measuredAt: Timestamp?

    /// The current, if it is no older than so many milliseconds.
    func current(within age: Int64, at now: Timestamp) -> Int? {
        guard let measuredAt, (0...age).contains(now - measuredAt) else { return nil }
        return current
    }
}

/// A pack that was found above its limit.
struct Overload: Sendable {
    /// The bank's current at which the pack would be at its limit, mA.
    var bound: Double
    /// Current that the pack carried, mA, and the time at which it was seen last.
    var current: Double
    var seenAt: Timestamp
}

extension FlowDirection {
    /// Sign of a battery current in this direction: 1 for charge, -1 for discharge.
    var sign: Double { self == .charge ? 1 : -1 }
}
