import BMSCore

/// Numbers of a scenario. Rates are in C: 1 is the power that empties the configured capacity in an hour.
struct ScenarioPlan: Sendable {
    /// The source of charging power.
    enum Source: Sendable {
        /// A solar array with this peak, and clouds.
        case sun(Double)
        /// A mains charger.
        case mains(Double)
    }

    /// The loads that draw power.
    enum Loads: Sendable {
        /// A load that is always the same.
        case constant(Double)
        /// A load of this size until 23:30, then a small one.
        case evening(Double)
        /// A household with kettles.
        case house
    }

    /// Second of the day at which the scenario begins.
    let start: Int
    /// Share of the usable charge at the start.
    let soc: Double
    /// State of charge that the BMS believes at the start, where the belief is wrong.
    var believedSoc: Double?
    var isCalibrated = true
    /// State of charge by which one cell is fuller than the others.
    var ahead = 0.0
    let source: Source
    let loads: Loads
    /// Power that flows past the load relay, C.
    var standby = 0.0
    /// Kelvins below the lowest charging temperature at which cells and air begin.
    var frost: Double?
    /// T-min for charging that the owner has set, degC; `nil` for that of the chemistry.
    var coldest: Double?
    /// Seconds until the room is heated.
    var thaw = 0
    /// The way in which charger and inverter obey limits.
    var behaviour = PowerBehaviour()

    static func of(_ scenario: Scenario) -> ScenarioPlan {
        switch scenario {
        case .tour: Tour.scenes[0].plan ?? of(.day)
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
    /// MPPTs that hold 0.4 V above CVL and do not know CCL, as where an ESS feeds in.
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
