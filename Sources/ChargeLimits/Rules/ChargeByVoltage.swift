import BMSCore

/// CCL expressed in volts, where the owner asks for it (`voltageOnly`): for chargers that do not listen to CCL.
///
/// CVL starts 35 mV a cell below the pack's rest voltage and climbs by up to 20 mV a second (16 cells; 5 mV while no current flows yet)
/// while the current is below CCL; while the current is above CCL, CVL falls by 12 % of the excess current's drop a second. So the integral
/// takes out the voltage that the charger adds to CVL. While a cloud hides the sun, CVL hardly climbs beyond the level at which the charger
/// held CCL before.
///
/// mV. Example: 16 cells at 52.64 V, 1.6 milliohm each, CCL 20 A: CVL starts at 52.08 V; a charger that adds 0.4 V ends at
/// 52.64 V + 20 A x 25.6 milliohm - 0.4 V = 52.75 V.
struct ChargeByVoltage: LimitRule {
    private static let start = 35.0
    /// Shares of a current's drop by which CVL rises, and falls, in a second.
    private static let gain = 0.06
    private static let fall = 0.12
    /// Largest climb, mV a cell and second, up to the level at which the charger held CCL before, and beyond it.
    private static let climb = 1.25
    private static let drift = 0.015
    /// Largest climb while no current flows yet, mV a cell and second.
    private static let search = 0.3
    /// Distance above the level at which the charger held CCL before, up to which CVL still climbs fast, mV a cell.
    private static let slack = 4.0
    /// Largest distance of CVL above the measured voltage, mV a cell: a charger that regulates at CVL is read two seconds late.
    private static let reach = 3.0
    /// Seconds in which the estimate of the rest voltage follows.
    private static let seconds = 30.0

    private var rest: Double?
    private var level: Double?
    /// Distance of the pack voltage above CVL when the charger gave the current that CCL allows, mV.
    private var learned = 0.0

    mutating func bounds(_ input: LimitInput, after earlier: [Bound]) -> [Bound] {
        guard input.configuration.isVoltageOnly else { return [] }
        let cells = Double(input.cells)
        let pack = Double(input.measured.packVoltage.rawValue)
        let current = Double(input.current.rawValue) / 1000
        let drop = input.resistance * cells
        follow(pack - current * drop * (current < 0 ? 0.5 : 1), input.elapsed)
        let limit = earlier.lowest(.ccl)?.value ?? 0
        guard limit > 0, let rest else {
            level = nil
            return []
        }
        let allowed = Double(limit) / 1000
        let first = rest - Self.start * cells
        let old = level ?? first
        if let published = input.published?.cvl, current >= 0.8 * allowed {
            learned += (max(0, pack - Double(published.rawValue)) - learned) * min(1, input.elapsed / 10)
        }
        let missing = allowed - current
        var new = old
        if missing >= 0 {
            let isBeyond = old > pack - learned + Self.slack * cells
            let most = (isBeyond ? Self.drift : current < 0.05 * allowed ? Self.search : Self.climb) * cells
            new = old + input.elapsed * min(most, Self.gain * missing * drop)
        } else {
            // Far above CCL the whole excess is taken off at once, by the low side of the resistance.
            let excess = -missing * drop
            new =
                old
                - (current > 1.4 * allowed ? min(1, input.elapsed) * 0.4 * excess : input.elapsed * Self.fall * excess)
        }
        let ceiling = earlier.lowest(.cvl).map { Double($0.value) } ?? new
        let hard = Double((input.figures.hardVoltage * input.cells - input.configuration.overshoot).rawValue)
        // CVL goes only a little beyond the pack's own voltage: otherwise the charger would give all that it has when a cloud goes.
        new = max(first, min(new, ceiling, hard, pack + Self.reach * cells))
        level = new
        return [
            .cvl(Millivolts(Int(new)), .chargeByVoltage, .byVoltage(Milliamperes(limit), rest: Millivolts(Int(rest))))
        ]
    }

    private mutating func follow(_ raw: Double, _ elapsed: Double) {
        let old = rest ?? raw
        rest = old + (raw - old) * min(1, elapsed / Self.seconds)
    }

    func remember(in memory: inout LimitMemory) { memory.recent?.numbers[.byVoltage] = level }

    mutating func recall(_ memory: LimitMemory) { level = memory.recent?.numbers[.byVoltage] }
}
