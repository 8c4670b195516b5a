/// Settings that the owner made in the vendor's app (and on the switches).
public struct PackSettings: Hashable, Sendable {
    /// Number of cells, 1...255.
    public var cellCount: Int
    /// Below it the load relay opens.
    public var minimumVoltage: Millivolts
    /// At it the charge relay opens.
    public var maximumVoltage: Millivolts
    /// Above it a board balances.
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
