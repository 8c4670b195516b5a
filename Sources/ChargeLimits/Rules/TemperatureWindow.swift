import BMSCore

/// Currents by temperature, inside the window that is set in the BMS (it is not on the wire, so the file has it).
///
/// Cold is judged by the coldest cell, heat by the warmest. The charge curve never touches DCL: cold stops charging, not the loads
/// (123SmartBMS-Venus #4). While a cell is above Vbalance, and for 15 min after, a warm board does not prove a warm cell: heat is then
/// judged by the warmest cell, but at most 5 K above the coldest. The worst reading counts until nothing as bad was read for 30 minutes, or
/// until every reading was more than two counts better for 5 minutes: the temperature of cells changes in hours, boards flicker.
///
/// Example: LFP, coldest cell 3.0 degC, Tmin 0 degC: 0.075 C of 100 Ah = 7.5 A.
struct TemperatureWindow: LimitRule {
    private static let mild = Millidegrees(25_000)
    private static let spread = Millidegrees(5_000)
    private static let warmSeconds = 900.0

    private var cold = ReadingHold()
    private var hot = ReadingHold()
    private var secondsWarm = 0.0

    mutating func bounds(_ input: LimitInput, after earlier: [Bound]) -> [Bound] {
        let isBalancing = input.highestVoltage >= input.settings.balanceVoltage
        secondsWarm = isBalancing ? Self.warmSeconds : max(0, secondsWarm - input.elapsed)
        let cell = secondsWarm > 0 ? min(input.warmest, input.coldest + Self.spread) : input.warmest
        let low = self.cold.lower(input.coldest, input.elapsed)
        let high = self.hot.upper(cell, input.elapsed)
        let file = input.configuration
        let profile = input.figures.profile
        func rate(_ curve: TemperatureCurve, _ minimum: Millidegrees?, _ temperature: Millidegrees) -> Milliamperes {
            input.figures.rate(curve.rate(at: temperature, within: minimum, file.maximumTemperature))
        }
        func charge(_ temperature: Millidegrees) -> Milliamperes {
            rate(profile.charge, file.minimumChargeTemperature, temperature)
        }
        func discharge(_ temperature: Millidegrees) -> Milliamperes {
            rate(profile.discharge, file.minimumDischargeTemperature, temperature)
        }
        let (cold, hot) = (min(low, Self.mild), max(high, Self.mild))
        let coldest = Cause.coldest(
            Cause.CellTemperature(
                cell: input.measured.lowestTemperatureCell, temperature: low, isHeld: low < input.coldest))
        let warmest = Cause.warmest(
            Cause.CellTemperature(cell: input.measured.highestTemperatureCell, temperature: high, isHeld: high > cell))
        return [
            .ccl(charge(cold), .cold, coldest), .ccl(charge(hot), .hot, warmest),
            .dcl(discharge(cold), .cold, coldest), .dcl(discharge(hot), .hot, warmest),
        ]
    }

    func remember(in memory: inout LimitMemory) {
        memory.recent?.numbers[.coldest] = cold.level.map { Double($0) }
        memory.recent?.numbers[.warmest] = hot.level.map { -Double($0) }
    }

    mutating func recall(_ memory: LimitMemory) {
        cold.recall(memory.recent?.numbers[.coldest])
        hot.recall((memory.recent?.numbers[.warmest]).map { -$0 })
    }
}

/// The worst recent reading, by the rule of ``TemperatureWindow``.
private struct ReadingHold: Sendable {
    /// More than two counts of 0.857 K.
    private static let clear = 1_715
    private static let clearSeconds = 300.0
    private static let seconds = 1_800.0

    /// The worst of the readings that are better than the held one, and the seconds for which they have been better.
    private struct Better: Sendable {
        var worst: Int
        var seconds: Double
    }

    /// The worst reading, in its own direction; `nil` before the first.
    private(set) var level: Int?
    private var isRecalled = false
    private var better: Better?
    private var clearlyBetter: Better?

    /// Goes on from an earlier level, unless the first reading is clearly better: nobody knows for how long it has been better.
    mutating func recall(_ earlier: Double?) {
        guard let earlier else { return }
        level = Int(earlier)
        isRecalled = true
    }

    /// Takes a reading for which lower is worse.
    mutating func lower(_ reading: Millidegrees, _ elapsed: Double) -> Millidegrees {
        Millidegrees(settle(reading.rawValue, elapsed))
    }

    /// Takes a reading for which higher is worse.
    mutating func upper(_ reading: Millidegrees, _ elapsed: Double) -> Millidegrees {
        Millidegrees(-settle(-reading.rawValue, elapsed))
    }

    private mutating func settle(_ reading: Int, _ elapsed: Double) -> Int {
        defer { isRecalled = false }
        guard let old = level, reading > old, !isRecalled || reading - old < Self.clear else { return take(reading) }
        better = Self.go(on: better, with: reading, elapsed)
        clearlyBetter = reading - old >= Self.clear ? Self.go(on: clearlyBetter, with: reading, elapsed) : nil
        if let better, better.seconds >= Self.seconds { return take(better.worst) }
        if let clearlyBetter, clearlyBetter.seconds >= Self.clearSeconds { return take(clearlyBetter.worst) }
        return old
    }

    private mutating func take(_ reading: Int) -> Int {
        level = reading
        better = nil
        clearlyBetter = nil
        return reading
    }

    private static func go(on before: Better?, with reading: Int, _ elapsed: Double) -> Better {
        Better(worst: min(before?.worst ?? reading, reading), seconds: (before?.seconds ?? 0) + elapsed)
    }
}
