public import BMSCore

/// The exact state of the simulation, for a terminal and for tests; the BMS reports only the readings of its boards.
public struct PackTruth: Hashable, Sendable {
    /// Seconds since the start.
    public let elapsed: Int
    /// Simulated second of the day, 0...86399.
    public let timeOfDay: Int
    /// Voltage of the pack, V.
    public let packVoltage: Double
    /// Voltage of each cell, V.
    public let cellVoltages: [Double]
    /// State of charge of each cell, 0 = chemically empty, 1 = full. The BMS's percentage counts between Vmin and
    /// Vbalance.
    public let cellSoc: [Double]
    /// Temperature of each cell, degC; boards that balance are warmer.
    public let cellTemperatures: [Double]
    /// Cells whose board burns 1 A, numbered from 1.
    public let bypassedCells: [Int]
    /// Current from the charger, A, not negative.
    public let chargerCurrent: Double
    /// Current into inverter and loads, A, not negative.
    public let loadCurrent: Double
    /// Battery current, A, positive = charging.
    public let batteryCurrent: Double
    /// Power that sun or mains offer, W; the charger may take less.
    public let availablePower: Double
    /// Power that the charger takes, W.
    public let chargerPower: Double
    /// Power that the loads get, W.
    public let loadPower: Double
    /// Temperature of the air, degC.
    public let airTemperature: Double
    /// The charge relay is closed.
    public let isChargeRelayClosed: Bool
    /// The load relay is closed.
    public let isLoadRelayClosed: Bool
    /// Status byte 2 as the BMS has it now.
    public let secondStatus: SecondStatus

    /// Mean state of charge of the cells, 0...1.
    public var soc: Double { cellSoc.reduce(0, +) / Double(max(cellSoc.count, 1)) }
}
