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
        /// The owner allows charging the deeply discharged pack, until its cells have recovered.
        case deepChargeAllowed
        /// CCL 0: the state of charge reached the owner's ceiling and is not 3 % below it yet.
        case maximumSoc
        /// CVL below Vbalance: boards that balance would come close to Tmax, and the cells have not cooled yet.
        case hotBoards
        /// CCL 0: the number of cells changed less than a minute ago.
        case cellCount
    }

    /// A number that a rule goes on from.
    public enum Number: String, Hashable, Sendable, CaseIterable {
        /// ``HighestCell``: trim of CVL, mV a cell.
        case trim
        /// ``HighestCell``: seconds for which a charger took no notice of CVL.
        case ignored
        /// ``HighestCell``: seconds since its floor of CCL ended, and mA that it gives afterwards.
        case pause, pauseMost
        /// ``FloatVoltage``: trim of CVL, mV a cell, and seconds since a cell was above Vbalance.
        case floatTrim, floatPause
        /// ``RestHold``: voltage of the pack without current, that voltage when charging was forbidden, mV, and offset, mV a cell.
        case rest, restCeiling, restOffset
        /// ``ChargeByVoltage``: its CVL, mV.
        case byVoltage
        /// ``TemperatureWindow``: worst recent readings, millidegrees Celsius.
        case coldest, warmest
        /// ``CellCountChange``: number of cells before, and seconds that are left.
        case cellsBefore, cellsSeconds

        /// Range of the numbers that can have been kept; other numbers come from a damaged file.
        public var range: ClosedRange<Double> {
            switch self {
            case .trim, .floatTrim: 0...70
            case .ignored: 0...60
            case .pause, .floatPause: 0...1e9
            case .pauseMost: 0...10_000_000
            case .rest, .restCeiling, .byVoltage: 0...2_000_000
            case .restOffset: 0...35
            case .coldest, .warmest: -300_000...1_000_000
            case .cellsBefore: 1...255
            case .cellsSeconds: 0...60
            }
        }
    }

    /// Values that age within minutes.
    public struct Recent: Hashable, Sendable {
        /// Age of these values in milliseconds, 0 or more.
        public var age: Int64
        /// The limits as they were last published, with the number that the slew starts from.
        public var levels: Limits.Levels?
        /// Numbers of the rules; those that a rule does not need are absent.
        public var numbers: [Number: Double]
        /// State of charge at which balancing was given up, percent; `nil` where it was not.
        public var stalledSoc: Int?
        /// Charge state.
        public var state: ChargeState
        /// Milliseconds for which ``recent`` counts.
        public static let lifetime: Int64 = 600_000

        /// Creates values of a moment.
        public init(
            age: Int64 = 0, levels: Limits.Levels? = nil, numbers: [Number: Double] = [:], stalledSoc: Int? = nil,
            state: ChargeState = .bulk
        ) {
            self.age = age
            self.levels = levels
            self.numbers = numbers
            self.stalledSoc = stalledSoc
            self.state = state
        }
    }

    /// Number of cells of the pack that the memory belongs to; with another number it counts for nothing.
    public var cellCount: Int
    /// Capacity of the pack that the memory belongs to; with another capacity the resistance counts for nothing.
    public var capacity: WattHours
    /// Voltages of the keys as the BMS sent them last: the hold of DCL rests on V-low, and a cycle of keys takes half a minute.
    public var cellSettings = CellSettings()
    /// Learned resistance; `nil` while nothing is learned.
    public var resistance: Resistance?
    /// Worst sag of the lowest cell when loads switched on, milliohm; `nil` where none was seen.
    public var sag: Double?
    /// Seconds since the pack was last full; `nil` where that was never seen.
    public var secondsSinceFull: Int64?
    /// Latches that were set.
    public var latches: Set<Latch> = []
    /// Values of the last minutes; `nil` where there are none.
    public var recent: Recent?

    /// Creates a memory of a pack.
    public init(cellCount: Int, capacity: WattHours, resistance: Resistance? = nil, secondsSinceFull: Int64? = nil) {
        self.cellCount = cellCount
        self.capacity = capacity
        self.resistance = resistance
        self.secondsSinceFull = secondsSinceFull
    }

    /// Memory with which a receiver of this pack's frames begins.
    public var ofDecoder: PackMemory {
        PackMemory(cellCount: cellCount, capacity: capacity, cellSettings: cellSettings)
    }
}
