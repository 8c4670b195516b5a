import BMSCore

/// What silence does to limits (design: staleness). Not a ``Constraint``: those are stepped by frames, this by time.
///
/// Example: 16 LFP cells of 100 Ah, last good frame 11 s ago: CCL 0, DCL 20 A, CVL 16 x 3.300 V = 52.80 V; after 61 s DCL 0.
enum Staleness {
    /// Appends bounds at an age of the last good frame; none while it is fresh or holding.
    static func evaluate(_ input: LimitInput, _ freshness: Freshness, into bounds: inout BoundList) {
        guard freshness >= .stale else { return }
        let cause: Cause = input.isAhead ? .clockJumped : .silence(seconds: input.age / 1000)
        let little = freshness == .stale ? input.figures.rate(200) : .zero
        bounds.append(.cvl(input.packVoltage(belowBalance: Millivolts(100)), .link, cause))
        bounds.append(.ccl(.zero, .link, cause))
        bounds.append(.dcl(little, .link, cause))
    }
}
