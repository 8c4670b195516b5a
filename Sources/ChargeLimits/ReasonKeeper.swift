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

    /// Takes the reason of a step into account.
    ///
    /// - Returns: whether it is the one to tell, rather than an earlier.
    @discardableResult
    mutating func step(_ reason: Limits.Reason, value: Int, at now: Timestamp) -> Bool {
        let isNew = isNew(reason, value, at: now)
        if isNew {
            kept = reason
            keptAt = now
            challengedAt = nil
        }
        return isNew
    }

    private mutating func isNew(_ reason: Limits.Reason, _ value: Int, at now: Timestamp) -> Bool {
        // A fall is news, and so is the way out of nothing.
        let isNews = value < lastValue || (lastValue == 0 && value > 0)
        lastValue = value
        guard let isSame = kept?.isAbout(reason), !isNews else { return true }
        if isSame {
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

extension Limits.Reason {
    /// Says the same, perhaps with other numbers.
    fileprivate func isAbout(_ other: Limits.Reason) -> Bool {
        name == other.name && stance.kind == other.stance.kind && member == other.member
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
