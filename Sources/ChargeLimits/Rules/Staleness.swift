import BMSCore

/// Bounds by silence (design: staleness).
///
/// Example: 16 LFP cells of 100 Ah, last good frame 11 s ago: CCL 0, DCL 20 A, CVL 16 x 3.300 V = 52.80 V; after 61 s DCL 0.
struct Staleness: LimitRule {
    mutating func bounds(_ input: LimitInput, after earlier: [Bound]) -> [Bound] {
        guard input.freshness >= .stale else { return [] }
        let cause: Cause = input.isAhead ? .clockJumped : .silence(seconds: input.age / 1000)
        let little = input.freshness == .stale ? input.figures.rate(200) : .zero
        return [
            .cvl(input.packVoltage(belowBalance: .safe), .link, cause), .ccl(.zero, .link, cause),
            .dcl(little, .link, cause),
        ]
    }
}
