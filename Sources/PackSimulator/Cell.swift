/// One cell with its board: rest voltage, an ohmic resistance, two RC pairs, a heat store, and a 1 A bypass.
///
/// Every update is the exact answer of its linear equation over one second of constant current, so no size of cell
/// and no time constant makes it unstable.
struct Cell: Sendable {
    /// Properties that all cells of a pack share.
    struct Kind: Sendable {
        let rest: RestVoltageCurve
        /// Shares that remain after a second: RC pairs, heat, board warmth, blown air.
        let fastDecay, slowDecay, heatDecay, boardDecay, airDecay: Double
        /// Heat flow to the surroundings, W/K.
        let conductance: Double

        init(_ model: CellModel, capacity: Double) {
            rest = model.rest
            fastDecay = decay(model.fast.seconds)
            slowDecay = decay(model.slow.seconds)
            heatDecay = decay(4000)
            boardDecay = decay(300)
            airDecay = decay(20)
            conductance = 0.5 * capacity / 100
        }
    }

    /// Ah.
    let capacity: Double
    /// Ohm at 25 degC.
    let ohmic, fast, slow: Double
    /// Self-discharge and the board's own consumption, A.
    let drain: Double
    /// Errors of the board's readings, V and K.
    let voltageOffset, temperatureOffset: Double
    /// Rise of the board's reading above the temperature of the cell while it balances, K ("the temperature during balancing is much higher
    /// than the really cell temperature", generation 3 manual rev 6, "Battery details").
    let balancingRise: Double

    /// State of charge: 0 = empty, 1 = full; beyond both for a mistreated cell.
    var soc: Double
    /// degC.
    var temperature: Double
    /// The board burns 1 A ("Balancing current 1A", all manuals, "Specifications").
    var isBypassing = false
    /// Bench supply on this cell alone, for provoking alarms.
    var supply: BenchSupply?
    /// Target of hot or cold air on the board alone, K.
    var air = 0.0

    /// Terminal volts.
    private(set) var voltage = 0.0
    /// Volts at the terminals without pack current.
    private(set) var idleVoltage = 0.0
    /// Rise of the terminals per ampere of pack current over the next second, ohm.
    private(set) var stiffness = 0.0
    /// Ohm at the present temperature.
    private(set) var resistance = 0.0
    /// Volts over the two RC pairs.
    private(set) var polarisation = (fast: 0.0, slow: 0.0)
    /// W turned to heat inside the cell.
    private(set) var heat = 0.0
    /// A into the cell itself, after board and bypass.
    private(set) var innerCurrent = 0.0
    private(set) var boardRise = 0.0
    private(set) var airRise = 0.0

    /// Temperature of the board's sensor, degC.
    var boardTemperature: Double { temperature + boardRise + airRise }

    /// Lets one second pass at a pack current (positive = charging).
    mutating func step(current: Double, ambient: Double, _ kind: Kind) {
        var inner = current + ownCurrent
        if let supply {
            inner += supply.current(idleVoltage + current * stiffness, stiffness)
        }
        innerCurrent = inner
        soc += inner / (3600 * capacity)
        polarisation.fast = kind.fastDecay * polarisation.fast + (1 - kind.fastDecay) * fast * inner
        polarisation.slow = kind.slowDecay * polarisation.slow + (1 - kind.slowDecay) * slow * inner
        warm(inner, ambient, kind)
        settle(kind)
    }

    /// Recomputes voltages, as before the first step.
    mutating func settle(_ kind: Kind) {
        // About 2 % per kelvin: cold cells are stiff.
        resistance = ohmic * exponential(0.02 * (25 - min(max(temperature, -60), 100)))
        let rest = kind.rest.volts(at: soc) + polarisation.fast + polarisation.slow
        idleVoltage = rest + ownCurrent * resistance
        voltage = rest + innerCurrent * resistance
        stiffness =
            resistance + (1 - kind.fastDecay) * fast + (1 - kind.slowDecay) * slow
            + kind.rest.slope(at: soc) / (3600 * capacity)
    }

    /// Current that board and bypass take, A. A board stops below 1.5 V ("operating voltage range", generation 3).
    private var ownCurrent: Double {
        (isBypassing ? -CellPack.bypassCurrent : 0) - (voltage > 1.5 ? drain : 0)
    }

    private mutating func warm(_ inner: Double, _ ambient: Double, _ kind: Kind) {
        heat =
            inner * inner * resistance + polarisation.fast * polarisation.fast / fast
            + polarisation.slow * polarisation.slow / slow
        let steady = ambient + heat / kind.conductance
        temperature = steady + (temperature - steady) * kind.heatDecay
        let target = isBypassing ? balancingRise : 0
        boardRise = target + (boardRise - target) * kind.boardDecay
        airRise = air + (airRise - air) * kind.airDecay
    }
}

/// A laboratory supply that holds one cell at a voltage, within its current, both ways.
struct BenchSupply: Sendable {
    /// V.
    var voltage: Double
    /// A.
    let limit: Double

    func current(_ idle: Double, _ stiffness: Double) -> Double {
        min(max((voltage - idle) / stiffness, -limit), limit)
    }
}
