import BMSCore

/// The charge voltage that the manuals ask for: N x (Vbalance + head), head 25...40 mV for LFP, and
/// clear of the hard cut where Vmax is near.
///
/// Example: 16 LFP cells with Vbalance 3.400 V: 16 x 3.430 V = 54.88 V.
struct TargetVoltage: Constraint {
    mutating func evaluate(_ input: LimitInput, into bounds: inout [ConstraintValue]) {
        let cell = input.targetCell
        bounds.append(
            .cvl(
                cell * input.cells, .target,
                .target(cells: input.cells, cell: cell, balance: input.thresholds.balance)))
    }
}
