/// Settings that the owner made in the vendor's app (and on the switches).
public struct PackSettings: Hashable, Sendable {
    /// Number of cells, 1...255.
    public var cellCount: Int
    /// Vmin: the load relay opens below it.
    public var minimumVoltage: Millivolts
    /// Vmax: the charge relay opens at it.
    public var maximumVoltage: Millivolts
    /// Vbalance: a board balances above it.
    public var balanceVoltage: Millivolts
    /// Configured capacity; often deliberately below the label.
    public var capacity: WattHours

    /// Creates settings, as a test or a simulator needs them.
    public init(
        cellCount: Int, minimumVoltage: Millivolts, maximumVoltage: Millivolts, balanceVoltage: Millivolts,
        capacity: WattHours
    ) {
        self.cellCount = cellCount
        self.minimumVoltage = minimumVoltage
        self.maximumVoltage = maximumVoltage
        self.balanceVoltage = balanceVoltage
        self.capacity = capacity
    }
}
