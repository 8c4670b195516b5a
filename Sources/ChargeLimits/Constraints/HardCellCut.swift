import BMSCore

/// No charge at all close to Vmax, before the BMS opens its relay: from 55 % of the way between Vbalance and Vmax until
/// the highest cell is back at Vbalance + 10 mV.
///
/// Example: Vbalance 3.400 V, Vmax 3.700 V: stops at 3.565 V, released at 3.410 V.
struct HardCellCut: Constraint {
    private var isCut = false

    mutating func evaluate(_ input: LimitInput) -> [ConstraintValue] {
        let highest = input.frame.highestVoltage
        let release = input.settings.balanceVoltage + Millivolts(10)
        if highest >= input.hardVoltage { isCut = true }
        if highest <= release { isCut = false }
        guard isCut else { return [] }
        let reason =
            "cell \(input.frame.highestVoltageCell) at \(highest.inVolts), Vmax is "
            + "\(input.settings.maximumVoltage.inVolts): no charge until it is down to \(release.inVolts)"
        return [
            .ccl(.zero, "hardCellCut", reason),
            .cvl(input.packVoltage(belowBalance: Millivolts(100)), "hardCellCut", reason),
        ]
    }
}
