import BMSCore

/// Share of the last minute's seconds that brought a good frame, in percent.
struct LinkQuality: Hashable, Sendable {
    private static let window: Int64 = 60_000

    /// Moments of good frames, the oldest first: sixty and a few at most.
    private var moments: [Timestamp] = []
    private var startedAt: Timestamp?

    mutating func note(at now: Timestamp) {
        if startedAt == nil { startedAt = now }
        moments.append(now)
        // Bursts do not count twice, and the memory is bounded.
        if moments.count > 61 { moments.removeFirst() }
    }

    /// `nil` before a minute has passed since the first frame.
    func percent(at now: Timestamp) -> Int? {
        guard let startedAt, now - startedAt >= Self.window else { return nil }
        return min(100, moments.count { now - $0 < Self.window } * 100 / 60)
    }
}
