import BMSCore

/// How many requests are taken: some at once, fewer a second in the long run. A flood is told once.
struct CommandGate: Hashable, Sendable {
    private let burst: Double
    private let perSecond: Double
    private var tokens: Double
    private var last: Timestamp?
    private(set) var refused = 0
    private var isFlooded = false

    /// The defaults are for the commands of one pack.
    init(burst: Double = 20, perSecond: Double = 5) {
        self.burst = burst
        self.perSecond = perSecond
        tokens = burst
    }

    enum Verdict: Hashable {
        case pass
        /// Refused; the first of a flood is told.
        case refuse(isFirst: Bool)
    }

    mutating func check(at now: Timestamp) -> Verdict {
        let elapsed = last.map { Double(min(max(now - $0, 0), 60_000)) / 1000 } ?? 0
        last = now
        tokens = min(burst, tokens + elapsed * perSecond)
        if tokens >= burst / 2 { isFlooded = false }
        guard tokens >= 1 else {
            refused += 1
            defer { isFlooded = true }
            return .refuse(isFirst: !isFlooded)
        }
        tokens -= 1
        return .pass
    }
}
