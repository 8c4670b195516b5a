import BMSCore

/// No balancing in heat: a board that bypasses reads 12 K warmer, and the BMS opens *both* relays at Tmax by that reading. Where even the
/// coldest cell is within that rise of Tmax, the charge voltage stays 12 mV a cell under Vbalance, so that no board has to bypass; the rule
/// releases 3 K below. Source: bench (two peers trip dozens of times).
///
/// Example: Tmax 55 degC, rise 12 K: from 42 degC of the coldest cell on until it is below 39 degC.
struct HotBoards: LimitRule {
    private var isWarm = false
    private var hysteresis = Hysteresis()

    mutating func bounds(_ input: LimitInput, after earlier: [Bound]) -> [Bound] {
        let file = input.configuration
        let coldest = input.coldest
        if input.coldestRising + file.boardRise >= file.maximumTemperature - Millidegrees(1000) { isWarm = true }
        if coldest + file.boardRise < file.maximumTemperature - Millidegrees(4000) { isWarm = false }
        guard isWarm else {
            hysteresis = Hysteresis()
            return []
        }
        let value = input.packVoltage(belowBalance: Millivolts(12)) - Millivolts(Int(input.imbalance))
        return [
            .cvl(
                Millivolts(hysteresis.settle(value.rawValue, input)), .hotBoards,
                .boardsTooWarm(coldest, maximum: file.maximumTemperature))
        ]
    }

    func remember(in memory: inout LimitMemory) { if isWarm { memory.latches.insert(.hotBoards) } }

    mutating func recall(_ memory: LimitMemory) { isWarm = memory.latches.contains(.hotBoards) }
}
