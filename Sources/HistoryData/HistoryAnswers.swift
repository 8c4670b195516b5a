/// A plot of some values.
public struct HistorySeries: Hashable, Sendable {
    /// One value of each bucket; `nil` where nothing is known.
    public struct Line: Hashable, Sendable {
        /// The value.
        public var value: HistoryValue
        /// The lowest, in the unit of the value.
        public var min: [Double?] = []
        /// The mean.
        public var mean: [Double?] = []
        /// The highest.
        public var max: [Double?] = []
    }

    /// Start of the first bucket, seconds since 1970.
    public var from: Double
    /// End of the last bucket.
    public var to: Double
    /// Length of a bucket, seconds.
    public var step: Double
    /// Start of each bucket.
    public var time: [Double]
    /// The values, in the order in which they were asked for.
    public var lines: [Line]
}

/// A plot of the cells.
public struct HistoryCells: Hashable, Sendable {
    /// Start of each bucket, seconds since 1970.
    public var time: [Double]
    /// Length of a bucket, seconds.
    public var step: Double
    /// Mean voltage, V: for each cell, for each bucket; `nil` where it is unknown.
    public var voltages: [[Double?]]
    /// Mean temperature, °C, in the same way.
    public var temperatures: [[Double?]]
}

/// A day or a month.
public struct HistoryPeriod: Hashable, Sendable {
    /// Its start, seconds since 1970.
    public var time: Double
    /// Its first day where the battery is, as "2026-05-01".
    public var date: String
    /// Energy that went in, kWh; `nil`: the counters were never read in this time.
    public var energyIn: Double?
    /// Energy that went out, kWh.
    public var energyOut: Double?
    /// Mean internal resistance, mΩ.
    public var resistance: Double?
    /// Highest less lowest cell after the longest rest, V; of a month, the mean of its days.
    public var spread: Double?
    /// Number of the cell with the lowest voltage, from 1; of a month, the one of most days.
    public var weakestCell: Int?
    /// Voltage of each cell after the longest rest, V; of a month, of its last day that has them.
    public var atRest: [Double?]?
    /// Voltage of each cell at full, V; of a month, of its last day that has them.
    public var atFull: [Double?]?
}

/// A battery that the history knows.
public struct HistoryBattery: Hashable, Sendable {
    /// Its id.
    public var id: String
    /// The first and the last minute of which something is known, seconds since 1970.
    public var first: Double?
    /// See ``first``.
    public var last: Double?

    package init(id: String, first: Double?, last: Double?) {
        self.id = id
        self.first = first
        self.last = last
    }
}
