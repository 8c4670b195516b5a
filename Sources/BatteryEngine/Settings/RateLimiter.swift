package import BMSCore

/// Limits a rate: some requests pass at once, fewer a second in the long run (a token bucket). The first refusal of a flood is marked, so
/// that it is logged once.
package struct RateLimiter: Hashable, Sendable {
    private let burst: Double
    private let perSecond: Double
    private var tokens: Double
    private var last: Timestamp?
    private var isFlooded = false

    /// Creates a limiter with a full bucket. The defaults are for the commands of one pack.
    package init(burst: Double = 20, perSecond: Double = 5) {
        self.burst = burst
        self.perSecond = perSecond
        tokens = burst
    }

    package enum Verdict: Hashable {
        case pass
        /// Refused; `isFirst`: the flood begins.
        case refuse(isFirst: Bool)
    }

    package mutating func check(at now: Timestamp) -> Verdict {
        let elapsed = last.map { Double(min(max(now - $0, 0), 60_000)) / 1000 } ?? 0
        last = now
        tokens = min(burst, tokens + elapsed * perSecond)
        if tokens >= burst / 2 { isFlooded = false }
        guard tokens >= 1 else {
            defer { isFlooded = true }
            return .refuse(isFirst: !isFlooded)
        }
        tokens -= 1
        return .pass
    }
}
