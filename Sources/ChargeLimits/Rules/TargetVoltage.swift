import BMSCore

/// The charge voltage that the manuals ask for: N x (Vbalance + head), head 25...40 mV for LFP, and
/// clear of the hard cut where Vmax is near.
///
/// Example: 16 LFP cells with Vbalance 3.400 V: 16 x 3.430 V = 54.88 V.
struct TargetVoltage: LimitRule {
    mutating func bounds(_ input: LimitInput, after earlier: [Bound]) -> [Bound] {
        let figures = input.figures
        return [
            .cvl(
                figures.targetCell * figures.cells, .target,
                .target(cells: figures.cells, cell: figures.targetCell, balance: figures.balance))
        ]
    }
}
