import BMSCore

/// Keeps the sentence of a limit from flapping: a new cause takes over at once when it lowered the limit, or when silence begins or ends,
/// otherwise when it has held for three seconds; the numbers in a sentence are renewed every ten seconds.
struct ReasonDebouncer: Sendable {
    private static let takeover: Int64 = 3_000
    private static let renewal: Int64 = 10_000

    /// The reason that is shown; `nil` before the first.
    private var kept: Limits.Reason?
    private var keptAt = Timestamp(milliseconds: 0)
    private var lastValue = Int.max
    private var challengedAt: Timestamp?

    /// The reason to show in this step: the new one, or an earlier one that is kept.
    ///
    /// - Parameter value: the limit, mV or mA.
    mutating func keep(_ reason: Limits.Reason, value: Int, at now: Timestamp) -> Limits.Reason {
        guard let kept, !challenge(reason, over: kept, value: value, at: now) else {
            kept = reason
            keptAt = now
            challengedAt = nil
            lastValue = value
            return reason
        }
        lastValue = value
        return kept
    }

    /// Challenges the kept reason with a new one.
    ///
    /// - Returns: `true` if the new one takes its place.
    private mutating func challenge(
        _ reason: Limits.Reason, over kept: Limits.Reason, value: Int, at now: Timestamp
    ) -> Bool {
        // Silence begins and ends at once: beside fresh values its sentence would be wrong.
        if (kept.name == .link) != (reason.name == .link) { return true }
        // A fall needs its reason at once, and so does a rise from zero.
        if value < lastValue || (lastValue == 0 && value > 0) || kept.stance.isPassed(by: value) { return true }
        if kept.name == reason.name && kept.stance.kind == reason.stance.kind && kept.cause.pack == reason.cause.pack {
            challengedAt = nil
            return now - keptAt >= Self.renewal || now < keptAt
        }
        guard let since = challengedAt, since <= now else {
            challengedAt = now
            return false
        }
        return now - since >= Self.takeover
    }
}

extension Limits.Reason.Stance {
    /// The limit is above the goal that the reason names, which is then not a goal any more.
    fileprivate func isPassed(by value: Int) -> Bool {
        switch self {
        case .bound: false
        case .rising(let goal), .heldBelow(let goal), .heldByDamage(let goal): value > goal
        }
    }

    /// The kind of stance, without its number.
    fileprivate var kind: Int {
        switch self {
        case .bound: 0
        case .rising: 1
        case .heldBelow: 2
        case .heldByDamage: 3
        }
    }
}
