import BMSCore

/// Charger and inverter on the pack's terminals. New limits reach them two seconds late; they move at 20 A/s, and are switched off by the
/// BMS's relays. ``PowerBehaviour`` says which limits they obey.
struct PowerSystem: Sendable {
    /// Rate of the charger's rise, and of limits in either direction, A per second.
    static let ramp = 20.0
    /// Rate of a charger that goes back because voltage or load tells it to, A per second.
    static let retreat = 100.0

    /// Largest currents of the charger and the inverter, A.
    let chargerMaximum, inverterMaximum: Double
    /// Charging voltage without CVL, V: "a bit higher (about 0.025V-0.04V higher per cell)", generation 3 manual rev 13, "Hardware
    /// installation", step 6.
    let ownVoltage: Double
    /// Relative error of the charger's volt meter.
    let meterError: Double
    /// Power taken past the load relay, W, as by a monitor that is wired to the battery.
    let standby: Double
    /// Voltage below which even the standby load switches off, V.
    let standbyEnd: Double

    private let behaviour: PowerBehaviour

    /// Current out of the charger, A.
    private(set) var charge = 0.0
    /// Current into inverter and loads, standby and export included, A.
    private(set) var load = 0.0
    /// Current that the inverter sends to the grid, A.
    private var export = 0.0
    /// Limits of the last seconds, newest first.
    private var pending: [GivenLimits]
    private var ceilings: (charge: Double, discharge: Double)

    init(
        settings: BMSSettings, ampereHours: Double, standby: Double, behaviour: PowerBehaviour, random: inout SplitMix64
    ) {
        self.behaviour = behaviour
        let longest = min(max(behaviour.currentDelay, PowerBehaviour.delay), 600)
        pending = [GivenLimits](repeating: GivenLimits(), count: longest)
        // The standard sensor of generation 3 ends at 500 A.
        chargerMaximum = min(0.5 * ampereHours, 400)
        inverterMaximum = min(ampereHours, 400)
        let perCell = Double(settings.thresholds.balance.rawValue + 30) / 1000
        ownVoltage = perCell * Double(settings.cells)
        meterError = random.uniform(-0.0004...0.0004)
        self.standby = standby
        standbyEnd = 0.92 * Double(settings.thresholds.minimum.rawValue * settings.cells) / 1000
        ceilings = (chargerMaximum, inverterMaximum)
    }

    /// Lets one second pass.
    ///
    /// - Parameters:
    ///   - source: power that sun or mains offer, W.
    ///   - demand: power that the loads want, W.
    mutating func step(_ pack: CellPack, source: Double, demand: Double, limits: GivenLimits, relays: RelayLogic) {
        let given = hear(limits)
        ceilings.charge = follow(ceilings.charge, given.ccl, chargerMaximum, now: charge - load)
        ceilings.discharge = follow(ceilings.discharge, given.dcl, inverterMaximum, now: load - charge)

        let volts = max(pack.voltage, 1)
        let standing = pack.voltage > standbyEnd ? standby / volts : 0
        let allowed = max(ceilings.discharge - standing, 0)
        let wanted = min(demand / volts, inverterMaximum, allowed + charge)
        let target = given.cvl.map { Double(max($0, .zero).rawValue) / 1000 } ?? ownVoltage
        let flowing = charge - standing - wanted
        export = behaviour.exports ? exported(above: target, pack, flowing: flowing, most: inverterMaximum - wanted) : 0
        load = standing + (relays.load.isClosed ? wanted + export : 0)

        // The current that brings the terminals to the target within the second; the control loop goes 0.6 of the way.
        let held = target * (1 + meterError) + Double(behaviour.voltageOffset.rawValue) / 1000
        let regulated = current(to: held, pack) + load
        let ceiling = min(chargerMaximum, source / volts, ceilings.charge + load)
        let aim = min(ceiling, charge + 0.6 * (regulated - charge))
        charge = relays.charge.isClosed ? max(0, min(max(aim, charge - Self.retreat), charge + Self.ramp)) : 0
    }

    /// The limits that are obeyed in this second.
    private mutating func hear(_ limits: GivenLimits) -> GivenLimits {
        var given = pending[PowerBehaviour.delay - 1]
        let oldest = pending.removeLast()
        pending.insert(limits, at: 0)
        given.ccl = behaviour.obeysCurrent ? oldest.ccl : nil
        if !behaviour.obeysVoltage { given.cvl = nil }
        if behaviour.discharge == .zeroOnly, let dcl = given.dcl { given.dcl = dcl > .zero ? nil : .zero }
        return given
    }

    /// Current into the battery that brings the terminals to a voltage within the second, A.
    private func current(to voltage: Double, _ pack: CellPack) -> Double {
        (voltage - pack.idleVoltage) / max(pack.stiffness, 1e-6)
    }

    /// Current that an inverter on the grid takes out to bring the terminals down to `target`, A; it goes 0.6 of the way.
    private func exported(above target: Double, _ pack: CellPack, flowing: Double, most: Double) -> Double {
        let needed = max(0, flowing - current(to: target, pack))
        return min(max(0, export + 0.6 * (needed - export)), max(0, most))
    }

    /// Moves a ceiling towards the limit that was asked for, at the rate of the ramp. A fall starts from the current that flows, so that a
    /// limit bites at once.
    private func follow(_ ceiling: Double, _ asked: Milliamperes?, _ maximum: Double, now current: Double) -> Double {
        let goal = asked.map { min(max(Double($0.rawValue) / 1000, 0), maximum) } ?? maximum
        if goal >= ceiling { return min(goal, ceiling + Self.ramp) }
        return max(goal, min(ceiling, max(current, 0)) - Self.ramp)
    }
}
