import BMSCore

/// Currents by temperature, inside the window that is set in the BMS (it is not on the wire, so the file has it).
///
/// Cold is judged by the coldest cell, heat by the warmest. The charge curve never touches DCL: cold stops charging,
/// not the loads (123SmartBMS-Venus #4). While a cell is above Vbalance, and 15 min after, a warm board proves no warm
/// cell: then heat is judged by the warmest, but at most 5 K above the coldest. A reading that flickers by one count
/// moves nothing upward for a minute.
///
/// Example: LFP, coldest cell 3.0 degC, Tmin 0 degC: 0.075 C of 100 Ah = 7.5 A.
struct TemperatureWindow: LimitRule {
    private static let mild = Millidegrees(25_000)
    private static let spread = Millidegrees(5_000)
    private static let warmSeconds = 900.0

    private var cold = ReadingHold()
    private var hot = ReadingHold()
    private var secondsWarm = 0.0

    mutating func bounds(_ input: LimitInput, after earlier: [ConstraintValue]) -> [ConstraintValue] {
        let coldest = input.coldest
        let warmest = input.warmest
        let isBalancing = input.frame.highestVoltage >= input.settings.balanceVoltage
        secondsWarm = isBalancing ? Self.warmSeconds : max(0, secondsWarm - input.elapsed)
        let cell = secondsWarm > 0 ? min(warmest, coldest + Self.spread) : warmest
        let low = cold.lower(coldest, input.elapsed)
        let high = hot.upper(cell, input.elapsed)
        let coldCause = Cause.coldest(
            Cause.CellTemperature(cell: input.frame.lowestTemperatureCell, temperature: coldest))
        let hotCause = Cause.warmest(
            Cause.CellTemperature(cell: input.frame.highestTemperatureCell, temperature: warmest))
        let profile = input.figures.profile
        let (cold, hot) = (min(low, Self.mild), max(high, Self.mild))
        func rate(_ curve: TemperatureCurve, _ temperature: Millidegrees) -> Milliamperes {
            input.figures.rate(curve.rate(at: temperature))
        }
        return [
            .ccl(rate(profile.charge, cold), .cold, coldCause), .ccl(rate(profile.charge, hot), .hot, hotCause),
            .dcl(rate(profile.discharge, cold), .cold, coldCause), .dcl(rate(profile.discharge, hot), .hot, hotCause),
        ]
    }
}

/// The worst reading of late: worse is taken at once, better by more than two counts, or after a minute.
private struct ReadingHold: Sendable {
    private static let clear = 1700
    private static let seconds = 60.0

    private var level: Int?
    private var secondsBetter = 0.0

    /// For a reading whose worse is lower.
    mutating func lower(_ reading: Millidegrees, _ elapsed: Double) -> Millidegrees {
        Millidegrees(settle(reading.rawValue, elapsed))
    }

    /// For a reading whose worse is higher.
    mutating func upper(_ reading: Millidegrees, _ elapsed: Double) -> Millidegrees {
        Millidegrees(-settle(-reading.rawValue, elapsed))
    }

    private mutating func settle(_ reading: Int, _ elapsed: Double) -> Int {
        guard let old = level, reading > old else {
            level = reading
            secondsBetter = 0
            return reading
        }
        secondsBetter += elapsed
        guard reading - old >= Self.clear || secondsBetter >= Self.seconds else { return old }
        level = reading
        secondsBetter = 0
        return reading
    }
}
