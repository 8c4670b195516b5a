import BMSCore

/// Cells in series, each a little different.
struct CellPack: Sendable {
    /// Current that a balancing board burns, A.
    static let bypassCurrent = 1.0

    let kind: Cell.Kind
    var cells: [Cell]
    /// Voltage at the terminals, V.
    private(set) var voltage = 0.0
    /// Voltage at the terminals without current, V.
    private(set) var idleVoltage = 0.0
    /// Rise of the terminal voltage per ampere over the next second, ohm.
    private(set) var stiffness = 0.0

    /// - Parameters:
    ///   - capacity: capacity of a cell before the spread, Ah.
    ///   - soc: state of charge of all cells, before the spread.
    ///   - ahead: number of one cell, from 0, and the state of charge by which it is fuller.
    init(
        _ model: CellModel, count: Int, capacity: Double, soc: Double, ahead: (cell: Int, soc: Double)?,
        temperature: Double, revision: ManualRevision, random: inout SplitMix64
    ) {
        kind = Cell.Kind(model, capacity: capacity)
        let accuracy = revision.accuracy
        let scale = 100 / capacity
        cells = (0..<count).map { index in
            let stiff = scale * (1 + random.bell(0.04))
            return Cell(
                capacity: capacity * (1 + random.bell(0.004)),
                ohmic: model.ohmic * stiff, fast: model.fast.resistance * stiff, slow: model.slow.resistance * stiff,
                // About 2 % self-discharge a month, and the current of the board.
                drain: capacity * 0.02 / 720 * random.uniform(0.5...1.5) + revision.boardCurrent,
                // The manuals give bounds; most boards are far better.
                voltageOffset: random.bell(accuracy.voltage / 6),
                temperatureOffset: random.bell(accuracy.temperature / 5),
                balancingRise: random.uniform(11...14),
                soc: soc + random.bell(0.0005) + (ahead?.cell == index ? ahead?.soc ?? 0 : 0),
                temperature: temperature + random.bell(0.3))
        }
        // Two passes: the current of a board depends on the voltage that the first pass finds.
        for _ in 0..<2 {
            for index in cells.indices { cells[index].settle(kind) }
        }
        total()
    }

    /// Charges or discharges one cell, numbered from 0, so that it rests at `voltage`.
    mutating func place(_ index: Int, restingAt voltage: Double) {
        cells[index].soc = kind.rest.soc(at: voltage)
        cells[index].settle(kind)
        total()
    }

    /// Lets one second pass at a current in A, positive = charging.
    mutating func step(current: Double, ambient: Double) {
        for index in cells.indices { cells[index].step(current: current, ambient: ambient, kind) }
        total()
    }

    private mutating func total() {
        voltage = 0
        idleVoltage = 0
        stiffness = 0
        for index in cells.indices {
            voltage += cells[index].voltage
            idleVoltage += cells[index].idleVoltage
            stiffness += cells[index].stiffness
        }
    }
}
