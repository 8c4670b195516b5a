import BMSCore

/// Keeps the sentence of a limit from flapping as its number is kept: a new cause takes over at once when it lowered the
/// limit, else when it has held for three seconds; the numbers in a sentence are renewed every ten.
struct ReasonKeeper: Sendable {
    private static let takeover: Int64 = 3_000
    private static let renewal: Int64 = 10_000

    private var kept: Limits.Reason?
    private var keptAt = Timestamp(milliseconds: 0)
    private var lastValue = Int.max
    private var challengedAt: Timestamp?

    mutating func step(_ reason: Limits.Reason, value: Int, at now: Timestamp) -> Limits.Reason {
        // A fall is news, and so is the way out of nothing.
        let isNews = value < lastValue || (lastValue == 0 && value > 0)
        lastValue = value
        guard let old = kept, !isNews else { return keep(reason, at: now) }
        let isSame = old.name == reason.name && old.stance.kind == reason.stance.kind
        if isSame {
            challengedAt = nil
            return now - keptAt >= Self.renewal || now < keptAt ? keep(reason, at: now) : old
        }
        guard let since = challengedAt, since <= now else {
            challengedAt = now
            return old
        }
        return now - since >= Self.takeover ? keep(reason, at: now) : old
    }

    private mutating func keep(_ reason: Limits.Reason, at now: Timestamp) -> Limits.Reason {
        kept = reason
        keptAt = now
        challengedAt = nil
        return reason
    }
}

extension Limits.Reason.Stance {
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
