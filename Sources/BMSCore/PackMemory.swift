/// Knowledge of a pack that its BMS brings back slowly after a restart.
public struct PackMemory: Hashable, Sendable {
    /// Number of cells that it is about.
    public var cellCount: Int
    /// Capacity that it is about.
    public var capacity: WattHours
    /// Settings of a cell as they were sent last.
    public var cellSettings: CellSettings

    /// Creates a memory; it counts where the first measurements have the same number of cells and the same capacity.
    public init(cellCount: Int, capacity: WattHours, cellSettings: CellSettings) {
        self.cellCount = cellCount
        self.capacity = capacity
        self.cellSettings = cellSettings
    }
}
