import BMSCore

/// Numbers of a scenario. Rates are in C: 1 is the power that empties the configured capacity in an hour.
struct ScenarioPlan: Sendable {
    /// Where charging power comes from.
    enum Source: Sendable {
        /// A solar array with this peak, and clouds.
        case sun(Double)
        /// A mains charger.
        case mains(Double)
    }

    /// What draws power.
    enum Loads: Sendable {
        /// Always the same.
        case constant(Double)
        /// This much until 23:30, then little.
        case evening(Double)
        /// A household with kettles.
        case house
    }

    /// Second of the day at which it begins.
    let start: Int
    /// Share of the usable charge at the start.
    let soc: Double
    /// What the BMS believes at the start, where that is wrong.
    var believedSoc: Double?
    var isCalibrated = true
    /// How much fuller one cell is.
    var ahead = 0.0
    let source: Source
    let loads: Loads
    /// C that flows beside the load relay.
    var standby = 0.0
    /// K below the lowest charging temperature at which cells and air begin.
    var frost: Double?
    /// T-min for charging that the owner has set, degC; `nil`: that of the chemistry.
    var coldest: Double?
    /// Seconds until the room is heated.
    var thaw = 0
    /// How charger and inverter obey.
    var behaviour = PowerBehaviour()

    static func of(_ scenario: Scenario) -> ScenarioPlan {
        switch scenario {
        case .day:
            ScenarioPlan(start: 10 * 3600, soc: 0.55, source: .sun(0.33), loads: .house)
        case .full:
            ScenarioPlan(
                start: 11 * 3600, soc: 0.9, believedSoc: 0.6, isCalibrated: false, source: .mains(0.3),
                loads: .constant(0.03))
        case .empty:
            ScenarioPlan(
                start: 20 * 3600 + 1800, soc: 0.09, source: .sun(0.33), loads: .evening(0.15), standby: 0.01,
                behaviour: .offGrid)
        case .imbalanced:
            ScenarioPlan(
                start: 11 * 3600, soc: 0.93, ahead: 0.04, source: .mains(0.2), loads: .constant(0.02))
        case .cold:
            ScenarioPlan(start: 6 * 3600 + 1800, soc: 0.5, source: .mains(0.25), loads: .constant(0.05), frost: 6)
        case .frost:
            ScenarioPlan(
                start: 9 * 3600, soc: 0.5, source: .sun(0.33), loads: .constant(0.01), frost: 6, coldest: -20,
                thaw: 2 * 3600,
                behaviour: .feedIn)
        case .fault:
            ScenarioPlan(
                start: 12 * 3600, soc: 0.5, isCalibrated: false, source: .mains(0.08), loads: .constant(0.05))
        case .silence:
            ScenarioPlan(start: 12 * 3600, soc: 0.6, source: .mains(0.2), loads: .constant(0.05))
        }
    }
}

extension PowerBehaviour {
    /// MPPTs that stand 0.4 V above CVL and do not know CCL, as where an ESS feeds in.
    fileprivate static var feedIn: PowerBehaviour {
        var behaviour = PowerBehaviour()
        behaviour.voltageOffset = Millivolts(400)
        behaviour.obeysCurrent = false
        return behaviour
    }

    /// An inverter without a grid.
    fileprivate static var offGrid: PowerBehaviour {
        var behaviour = PowerBehaviour()
        behaviour.discharge = .zeroOnly
        return behaviour
    }
}
