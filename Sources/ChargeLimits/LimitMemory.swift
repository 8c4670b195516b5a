public import BMSCore

/// Knowledge of a calculator that must survive a restart.
///
/// Latches hold until their own release, however long the stop. ``recent`` counts for ten minutes only.
public struct LimitMemory: Hashable, Sendable {
    /// Learned resistance of a cell.
    public struct Resistance: Hashable, Sendable {
        /// Mean over load steps at 25 degC, milliohm.
        public var mean: Double
        /// Mean of squared deviations, milliohm squared.
        public var variance: Double
        /// Steps seen, up to ``LearnedResistance/mostSteps``.
        public var steps: Int

        /// Creates a learned resistance; the calculator judges whether it is sound.
        public init(mean: Double, variance: Double, steps: Int) {
            self.mean = mean
            self.variance = variance
            self.steps = steps
        }
    }

    /// A state that only its own release ends.
    public enum Latch: String, Hashable, Sendable, CaseIterable {
        /// DCL 0: the lowest cell was empty and has not recovered.
        case empty
        /// DCL 0: the state of charge reached the owner's reserve and is not 3 % above it yet.
        case reserve
        /// CCL 0: the highest cell came close to Vmax and is not down yet.
        case hardCellCut
        /// CCL 0: a cell was so deeply discharged that charging may harm it.
        case deepDischarge
        /// The owner allows to charge the deeply discharged pack, until its cells have recovered.
        case deepChargeAllowed
        /// CCL 0: the state of charge reached the owner's ceiling and is not 3 % below it yet.
        case maximumSoc
    }

    /// Values that age within minutes.
    public struct Recent: Hashable, Sendable {
        /// Age of these values in milliseconds, 0 or more.
        public var age: Int64
        /// The limits as they were last published, with the number that the slew starts from.
        public var levels: Limits.Levels?
        /// Trim of the highest cell's voltage, mV a cell, 0...70.
        public var trim: Double
        /// State of charge at which balancing was given up, percent; `nil`: it was not.
        public var stalledSoc: Int?
        /// Charge state.
        public var state: ChargeState
        /// Milliseconds for which ``recent`` counts.
        public static let lifetime: Int64 = 600_000

        /// Creates values of a moment.
        public init(
            age: Int64 = 0, levels: Limits.Levels? = nil, trim: Double = 0, stalledSoc: Int? = nil,
            state: ChargeState = .bulk
        ) {
            self.age = age
            self.levels = levels
            self.trim = trim
            self.stalledSoc = stalledSoc
            self.state = state
        }
    }

    /// Number of cells that the memory is about; with another number it counts for nothing.
    public var cellCount: Int
    /// Capacity that the memory is about; with another the resistance counts for nothing.
    public var capacity: WattHours
    /// Learned resistance; `nil`: nothing yet.
    public var resistance: Resistance?
    /// Seconds since the pack was last full; `nil`: never seen.
    public var secondsSinceFull: Int64?
    /// Latches that were set.
    public var latches: Set<Latch> = []
    /// Values of the last minutes; `nil`: none.
    public var recent: Recent?

    /// Creates a memory of a pack.
    public init(cellCount: Int, capacity: WattHours, resistance: Resistance? = nil, secondsSinceFull: Int64? = nil) {
        self.cellCount = cellCount
        self.capacity = capacity
        self.resistance = resistance
        self.secondsSinceFull = secondsSinceFull
    }
}
