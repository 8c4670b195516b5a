public import BMSCore

/// What a calculator has learned and should survive a restart.
public struct LimitMemory: Hashable, Sendable {
    /// Learned resistance of a cell.
    public struct Resistance: Hashable, Sendable {
        /// Mean over load steps at 25 degC, milliohm.
        public var mean: Double
        /// Mean of squared deviations, milliohm squared.
        public var variance: Double
        /// Steps seen, up to ``LearnedResistance/mostSteps``.
        public var steps: Int

        /// What was learned; see the members.
        public init(mean: Double, variance: Double, steps: Int) {
            self.mean = mean
            self.variance = variance
            self.steps = steps
        }
    }

    /// It holds for this number of cells,
    public var cellCount: Int
    /// and for this capacity.
    public var capacity: WattHours
    /// Learned resistance; `nil`: nothing yet.
    public var resistance: Resistance?
    /// Seconds since the pack was last full; `nil`: never seen.
    public var secondsSinceFull: Int64?

    /// A memory of a pack.
    public init(cellCount: Int, capacity: WattHours, resistance: Resistance? = nil, secondsSinceFull: Int64? = nil) {
        self.cellCount = cellCount
        self.capacity = capacity
        self.resistance = resistance
        self.secondsSinceFull = secondsSinceFull
    }
}
