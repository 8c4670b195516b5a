import BMSCore

/// CCL said in volts, evaluated after every constraint of it: for chargers that do not listen to it: solar chargers of a system that feeds in take no current limit, CVL
/// alone stops them (dvcc.py). It is the voltage at which the pack would take as much current as CCL allows.
///
/// Always where temperature, the BMS or somebody's command forbids charging, so that a frozen cell is not charged by a charger that
/// ignores CCL 0; for every CCL where the owner asks for it (`voltageOnly`), then also clear of the hard cut by what such chargers add to CVL.
///
/// mV. Example: 16 cells at rest at 52.64 V and 1 milliohm each, CCL 0 because of cold: CVL 52.64 V; with `voltageOnly` and CCL 50 A:
/// 52.64 V + 50 A x 16 milliohm = 53.44 V.
struct ChargeByVoltage: LimitRule {
    private static let seconds = 30.0

    /// Voltage of the pack without current, mV.
    private var rest: Double?
    private var play = VoltagePlay()

    mutating func bounds(_ input: LimitInput, after earlier: [ConstraintValue]) -> [ConstraintValue] {
        let resistance = input.resistance * Double(input.cells)
        let rest = estimate(input, resistance)
        let isForbidden = earlier.contains { $0.value == 0 && $0.limit == .ccl && Self.forbids($0) }
        guard isForbidden || input.configuration.isVoltageOnly else {
            play = VoltagePlay()
            return []
        }
        let current = Milliamperes(earlier.lowest(.ccl)?.value ?? 0)
        var goal = rest + Double(current.rawValue) / 1000 * resistance
        if input.configuration.isVoltageOnly {
            let most = input.figures.hardVoltage * input.cells - input.configuration.overshoot
            goal = min(goal, Double(most.rawValue))
        }
        let least = (input.settings.minimumVoltage * input.cells).rawValue
        let value = Millivolts(play.settle(max(least, Int(goal)), input))
        return [.cvl(value, .chargeByVoltage, .byVoltage(current, rest: Millivolts(Int(rest))))]
    }

    private static func forbids(_ bound: ConstraintValue) -> Bool {
        switch bound.name {
        case .cold, .hot, .alarmCold, .alarmHot, .chargeOff: true
        // A charge that the BMS ended because the pack is full is eased down by float.
        default: bound.cause == .chargeRefused(isEndOfCharge: false)
        }
    }

    /// What a load pulls down is added back by half only: a rest that is taken too high would charge.
    private mutating func estimate(_ input: LimitInput, _ resistance: Double) -> Double {
        let amperes = Double(input.current.rawValue) / 1000
        let raw = Double(input.frame.packVoltage.rawValue) - amperes * resistance * (amperes < 0 ? 0.5 : 1)
        let old = rest ?? raw
        let new = old + (raw - old) * min(1, input.elapsed / Self.seconds)
        rest = new
        return new
    }
}
