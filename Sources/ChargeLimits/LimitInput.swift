import BMSCore

/// What a constraint may look at in one step. An object of that step alone: as a value it would be copied with each look.
final class LimitInput {
    /// The newest believed frame.
    var frame: Frame
    /// Confirmed settings of the BMS, in working order.
    var thresholds: WorkingThresholds
    /// Configured capacity, at least 1 Ah.
    var capacity: MilliampereHours
    /// V-low, where the keys told it.
    var lowVoltage: Millivolts?
    /// How raw temperatures become degrees.
    var temperatureScale: TemperatureScale
    /// Voted permissions, voted alarms, and the newest status byte as it came.
    var permissions: StatusFlags
    var alarms: StatusFlags
    var newestStatus: StatusFlags
    /// Milliseconds since the last good frame, 0 where none came.
    var age: Int64
    /// That frame came later than now: the clock jumped back.
    var isAhead: Bool
    /// Of the owner and the chemistry.
    let figures: LimitFigures
    /// What somebody asked for.
    var commands = LimitCommands()
    /// Charge state after this frame.
    var state = ChargeState.bulk
    /// Balancing ended because it gained nothing.
    var isStalled = false
    /// Other packs of the bank are not full yet: float waits for them.
    var isAwaitingPacks = false
    /// Filtered N x highest - pack, mV.
    var imbalance = 0.0
    /// Resistance of a cell that DCL reckons with, milliohm.
    var resistance = 0.0
    /// Number of cells before this step, where it changed in it.
    var cellsBefore: Int?
    /// Seconds since the frame before, 0...5.
    var elapsed = 0.0
    /// What was published last; `nil` in the first step.
    var published: Limits.Levels?
    /// Moment of this step.
    var now: Timestamp

    /// Taken where the BMS has none set, so that nothing divides by it.
    static let leastCapacity = MilliampereHours(1000)

    /// What is known of a pack, with the figures for it.
    init(
        _ snapshot: PackSnapshot, _ frame: Frame, _ settings: PackSettings, _ figures: LimitFigures, at now: Timestamp
    ) {
        self.frame = frame
        thresholds = WorkingThresholds(settings, snapshot.chemistry)
        capacity = max(Self.leastCapacity, snapshot.capacity ?? .zero)
        lowVoltage = snapshot.cellSettings.low
        temperatureScale = snapshot.temperatureScale
        permissions = snapshot.permissions
        alarms = snapshot.alarms
        newestStatus = snapshot.newestStatus
        age = snapshot.age(at: now) ?? 0
        isAhead = snapshot.linkAt.map { $0 > now } ?? false
        self.figures = figures
        self.now = now
    }

    /// What the owner allows.
    var configuration: LimitConfiguration { figures.configuration }
    /// Figures of the chemistry and the owner.
    var profile: ChemistryProfile { figures.profile }
    /// Chemistry; `nil` where the thresholds fit none.
    var chemistry: Chemistry? { figures.chemistry }
    /// The settings of ``thresholds``.
    var settings: PackSettings { thresholds.settings }
    /// Number of cells.
    var cells: Int { settings.cellCount }
    /// Voted alarms and those of the newest status byte.
    var faults: StatusFlags { alarms.union(newestStatus.intersection(.alarms)) }
    /// Battery current, positive = charging; 0 where there is no sensor.
    var current: Milliamperes { frame.current ?? .zero }
    /// The BMS ended the charge itself, as it does in normal mode when the pack is full: no fault, only no permission.
    /// The mode is the owner's word; a full pack proves it, too.
    var isEndedByBMS: Bool {
        guard !permissions.contains(.chargeAllowed), faults.isDisjoint(with: .alarms) else { return false }
        return configuration.relayMode == .normal || isFull || frame.lowestVoltage >= settings.balanceVoltage
    }
    /// Eased down to float, or on the way.
    var isFull: Bool { state == .full || state == .float }
    /// The highest cell with its number.
    var highest: Cause.CellVoltage {
        Cause.CellVoltage(cell: frame.highestVoltageCell, voltage: frame.highestVoltage)
    }
    /// The lowest cell with its number.
    var lowest: Cause.CellVoltage { Cause.CellVoltage(cell: frame.lowestVoltageCell, voltage: frame.lowestVoltage) }

    /// Temperature of the coldest cell, and of the warmest.
    var coldest: Millidegrees { temperatureScale.temperature(frame.lowestTemperature) }
    var warmest: Millidegrees { temperatureScale.temperature(frame.highestTemperature) }

    /// A current in thousandths of the capacity per hour.
    func rate(_ permille: Int) -> Milliamperes { Milliamperes(capacity.rawValue * permille / 1000) }

    /// Of a cell with diffusion, by the owner or the chemistry, milliohm.
    var expectedResistance: Double {
        if let configured = configuration.cellResistance { return max(0.01, Double(configured) / 1000) }
        // milliohm x ampere-hour over ampere-hours
        return profile.resistance / (Double(capacity.rawValue) / 1000)
    }

    /// Where a cell is too close to Vmax for any more charge: 55 % of the way from Vbalance.
    var hardVoltage: Millivolts {
        settings.balanceVoltage
            + Millivolts((settings.maximumVoltage - settings.balanceVoltage).rawValue * 55 / 100)
    }

    /// Target of a cell, clear of the hard cut.
    var targetCell: Millivolts { min(settings.balanceVoltage + profile.head, hardVoltage - Millivolts(20)) }

    /// Soft cap of the highest cell, clear of the hard cut.
    var softCap: Millivolts { min(settings.balanceVoltage + profile.soft, hardVoltage - Millivolts(10)) }

    /// Pack voltage at which every cell sits `below` its balancing voltage.
    func packVoltage(belowBalance below: Millivolts) -> Millivolts { (settings.balanceVoltage - below) * cells }
}

/// A rule that bounds limits. One small file each; a new one is a row in ``ConstraintTable``.
///
/// A constraint may remember (filters, latches): it is stepped once for each believed frame, never for a stale or
/// refused one, so that silence changes no state.
protocol Constraint: Sendable {
    /// `false`: it looks at status bits alone, and is stepped also by frames whose measurements may be junk.
    static var usesMeasurements: Bool { get }
    /// Appends its bounds; none where it has nothing to say.
    mutating func evaluate(_ input: LimitInput, into bounds: inout [ConstraintValue])
}

extension Constraint {
    static var usesMeasurements: Bool { true }
}
