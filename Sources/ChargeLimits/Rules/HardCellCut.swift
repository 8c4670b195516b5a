import BMSCore

/// No charge at all close to Vmax, before the BMS opens its relay: from 55 % of the way between Vbalance and Vmax until
/// the highest cell is back at Vbalance + 10 mV.
///
/// Example: Vbalance 3.400 V, Vmax 3.700 V: stops at 3.565 V, released at 3.410 V.
struct HardCellCut: LimitRule {
    private var isCut = false

    mutating func bounds(_ input: LimitInput, after earlier: [Bound]) -> [Bound] {
        let highest = input.highestVoltage
        let release = input.settings.balanceVoltage + Millivolts(10)
        if highest >= input.figures.hardVoltage { isCut = true }
        if input.highestVoltageFalling <= release { isCut = false }
        guard isCut else { return [] }
        let cause = Cause.hardCut(input.highest, maximum: input.settings.maximumVoltage, release: release)
        return [
            .ccl(.zero, .hardCellCut, cause), .cvl(input.packVoltage(belowBalance: .safe), .hardCellCut, cause),
        ]
    }

    func remember(in memory: inout LimitMemory) { if isCut { memory.latches.insert(.hardCellCut) } }

    mutating func recall(_ memory: LimitMemory) { isCut = memory.latches.contains(.hardCellCut) }
}
