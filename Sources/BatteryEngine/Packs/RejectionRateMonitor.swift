import BMSCore
import SmartBMS

/// Detects a check that refuses more than a fifth of the frames whose sum is right, within a minute: a check that does not fit this unit
/// must be as easy to find as a broken cable.
struct RejectionRateMonitor: Hashable, Sendable {
    private static let window: Int64 = 60_000
    /// Fewer frames than this prove nothing.
    private static let leastFrames = 10

    private var start: Timestamp?
    private var base = LinkCounters()
    private var reported: Set<Rejection> = []

    /// Returns a sentence for each check that has begun to refuse too much, once until the check behaves for a window.
    mutating func step(_ counters: LinkCounters, _ last: RejectedFrame?, at now: Timestamp) -> [String] {
        guard let start else {
            self.start = now
            base = counters
            return []
        }
        guard now - start >= Self.window else { return [] }
        let content = Rejection.allCases.filter { $0 != .signs && $0 != .sum }
        let refused = content.map { ($0, counters[$0] - base[$0]) }
        let total = counters.framesAccepted - base.framesAccepted + refused.reduce(0) { $0 + $1.1 }
        var sentences: [String] = []
        for (rejection, count) in refused {
            guard total >= Self.leastFrames, count * 5 > total else {
                reported.remove(rejection)
                continue
            }
            guard reported.insert(rejection).inserted else { continue }
            sentences.append(sentence(rejection, count, total, last))
        }
        self.start = now
        base = counters
        return sentences
    }

    private func sentence(_ rejection: Rejection, _ count: Int, _ total: Int, _ last: RejectedFrame?) -> String {
        var text = "\(count) of \(total) frames with a right sum were refused within a minute: \(rejection.meaning)"
        if let seen = last?.seen, last?.rejection == rejection { text += " (\(seen))" }
        if let key = rejection.configurationKey {
            text += "; if the BMS is right, loosen \(key) of this pack in the configuration"
        }
        return text
    }
}
