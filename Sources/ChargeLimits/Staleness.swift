import BMSCore

/// What silence does to limits (design: staleness). Not a ``Constraint``: those are stepped by frames, this by time.
enum Staleness {
    /// Bounds at an age of the last good frame; none while it is fresh or holding.
    static func bounds(_ input: LimitInput, _ freshness: Freshness) -> [ConstraintValue] {
        guard freshness >= .stale else { return [] }
        let seconds = (input.snapshot.age(at: input.now) ?? 0) / 1000
        let reason = "no good frame from the BMS for \(seconds) s"
        let little = freshness == .stale ? input.rate(200) : .zero
        return [
            .cvl(input.packVoltage(belowBalance: Millivolts(100)), "link", reason),
            .ccl(.zero, "link", reason),
            .dcl(little, "link", reason),
        ]
    }
}
