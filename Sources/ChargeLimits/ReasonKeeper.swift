import BMSCore

/// Keeps the sentence of a limit from flapping as its number is kept: a new cause takes over at once when it lowered the
/// limit, else when it has held for three seconds; the numbers in a sentence are renewed every ten.
struct ReasonKeeper: Sendable {
    private static let takeover: Int64 = 3_000
    private static let renewal: Int64 = 10_000

    /// The reason to tell; `nil` before the first.
    private(set) var kept: Limits.Reason?
    private var keptAt = Timestamp(milliseconds: 0)
    private var lastValue = Int.max
    private var challengedAt: Timestamp?
    /// What binds, where the kept reason is that a limit stands at this bound and nothing challenges it.
    private var calm: ConstraintName?

    /// A step changes nothing and its reason is not to be told: what ``isNews(_:member:_:value:at:)`` mostly finds, found quickly.
    func isCalm(_ name: ConstraintName, value: Int, at now: Timestamp) -> Bool {
        value == lastValue && name == calm && keptAt <= now && now - keptAt < Self.renewal
    }

    /// Takes a step into account.
    ///
    /// - Parameters:
    ///   - name: what binds in it, as in ``Limits/Reason``; so are the next two.
    ///   - value: the limit that came of it.
    /// - Returns: whether its reason is the one to tell, and to ``keep(_:at:)``, rather than an earlier.
    mutating func isNews(
        _ name: ConstraintName?, member: Int? = nil, _ stance: Limits.Reason.Stance, value: Int, at now: Timestamp
    ) -> Bool {
        // A fall is news, and so is the way out of nothing.
        let isNews = value < lastValue || (lastValue == 0 && value > 0)
        lastValue = value
        guard let kept, !isNews, !kept.stance.isPassed(by: value) else { return true }
        if kept.name == name && kept.stance.kind == stance.kind && kept.member == member {
            challengedAt = nil
            calm = Self.calm(kept)
            return now - keptAt >= Self.renewal || now < keptAt
        }
        calm = nil
        guard let since = challengedAt, since <= now else {
            challengedAt = now
            return false
        }
        return now - since >= Self.takeover
    }

    /// Tells a reason from now on.
    mutating func keep(_ reason: Limits.Reason, at now: Timestamp) {
        kept = reason
        keptAt = now
        challengedAt = nil
        calm = Self.calm(reason)
    }

    private static func calm(_ kept: Limits.Reason) -> ConstraintName? {
        kept.stance == .bound && kept.member == nil ? kept.name : nil
    }
}

extension Limits.Reason.Stance {
    /// The limit is above the goal that it speaks of: that is no goal any more.
    fileprivate func isPassed(by value: Int) -> Bool {
        switch self {
        case .bound: false
        case .rising(let goal), .heldBelow(let goal), .heldByDamage(let goal): value > goal
        }
    }

    /// Without its number.
    fileprivate var kind: Int {
        switch self {
        case .bound: 0
        case .rising: 1
        case .heldBelow: 2
        case .heldByDamage: 3
        }
    }
}
