/// Knowledge of a pack that its BMS brings back slowly after a restart.
public struct PackMemory: Hashable, Sendable {
    /// Number of cells of the pack that the memory belongs to.
    public var cellCount: Int
    /// Capacity of the pack that the memory belongs to.
    public var capacity: WattHours
    /// Settings of a cell as they were last sent.
    public var cellSettings: CellSettings

    /// Creates a memory. It counts where the first measurements have the same number of cells and the same capacity.
    public init(cellCount: Int, capacity: WattHours, cellSettings: CellSettings) {
        self.cellCount = cellCount
        self.capacity = capacity
        self.cellSettings = cellSettings
    }
}
