import BMSCore

/// How many commands a pack takes: twenty at once, five a second in the long run. A flood is told once.
struct CommandGate: Hashable, Sendable {
    private static let burst = 20.0
    private static let perSecond = 5.0

    private var tokens = CommandGate.burst
    private var last: Timestamp?
    private(set) var refused = 0
    private var isFlooded = false

    enum Verdict: Hashable {
        case pass
        /// Refused; the first of a flood is told.
        case refuse(isFirst: Bool)
    }

    mutating func check(at now: Timestamp) -> Verdict {
        let elapsed = last.map { Double(min(max(now - $0, 0), 60_000)) / 1000 } ?? 0
        last = now
        tokens = min(Self.burst, tokens + elapsed * Self.perSecond)
        if tokens >= Self.burst / 2 { isFlooded = false }
        guard tokens >= 1 else {
            refused += 1
            defer { isFlooded = true }
            return .refuse(isFirst: !isFlooded)
        }
        tokens -= 1
        return .pass
    }
}
