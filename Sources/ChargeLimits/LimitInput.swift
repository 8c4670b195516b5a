import BMSCore

/// What a constraint may look at in one step. An object: as a value it would be copied with each look.
///
/// Unchecked, for its calculator alone has it, which makes another where a copy of the calculator has it, too.
final class LimitInput: @unchecked Sendable {
    /// The newest believed frame.
    var frame = Frame.blank
    /// How raw temperatures become degrees.
    var temperatureScale = TemperatureScale.measured
    /// Voted permissions, voted alarms, and the newest status byte as it came.
    var permissions: StatusFlags = []
    var alarms: StatusFlags = []
    var newestStatus: StatusFlags = []
    /// Milliseconds since the last good frame, 0 where none came.
    var age: Int64 = 0
    /// That frame came later than now: the clock jumped back.
    var isAhead = false
    /// Of the owner and the chemistry.
    let figures: LimitFigures
    /// What somebody asked for.
    var commands: LimitCommands
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
    var now = Timestamp(milliseconds: 0)

    /// What is known of a pack, with the figures for it.
    init(
        _ snapshot: borrowing PackSnapshot, _ figures: LimitFigures, _ commands: LimitCommands, at now: Timestamp
    ) {
        self.figures = figures
        self.commands = commands
        take(snapshot, at: now)
    }

    /// Begins another step: nothing of the one before stays but what the calculator sets in each.
    ///
    /// - Returns: `false` where other figures are needed, and so another object.
    func begin(_ snapshot: borrowing PackSnapshot, _ settings: PackSettings, at now: Timestamp) -> Bool {
        guard figures.fit(snapshot, settings) else { return false }
        take(snapshot, at: now)
        return true
    }

    private func take(_ snapshot: borrowing PackSnapshot, at now: Timestamp) {
        if let frame = snapshot.frame { self.frame = frame }
        temperatureScale = snapshot.temperatureScale
        permissions = snapshot.permissions
        alarms = snapshot.alarms
        newestStatus = snapshot.newestStatus
        age = snapshot.age(at: now) ?? 0
        isAhead = snapshot.linkAt.map { $0 > now } ?? false
        self.now = now
        isStalled = false
        isAwaitingPacks = false
        imbalance = 0
        resistance = 0
    }

    /// What the owner allows.
    var configuration: LimitConfiguration { figures.configuration }
    /// Confirmed settings of the BMS, in working order.
    var settings: PackSettings { figures.settings }
    /// Number of cells.
    var cells: Int { figures.cells }
    /// Configured capacity, at least 1 Ah.
    var capacity: MilliampereHours { figures.capacity }
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

    /// Pack voltage at which every cell sits `below` its balancing voltage.
    func packVoltage(belowBalance below: Millivolts) -> Millivolts { figures.packVoltage(belowBalance: below) }
}

/// A rule that bounds limits by what stands in the configuration and in the BMS. One small file each; a new one is a row in
/// ``ConstraintTable``, which works it out once.
protocol FixedConstraint {
    /// Appends its bounds; none where it has nothing to say.
    static func evaluate(_ figures: LimitFigures, into bounds: inout BoundList)
}

/// A rule that bounds limits by what is measured. One small file each; a new one is a row in ``ConstraintTable``.
///
/// A constraint may remember (filters, latches): it is stepped once for each believed frame, never for a stale or
/// refused one, so that silence changes no state.
protocol Constraint: Sendable {
    /// `false`: it looks at status bits alone, and is stepped also by frames whose measurements may be junk.
    static var usesMeasurements: Bool { get }
    /// Appends its bounds; none where it has nothing to say.
    mutating func evaluate(_ input: LimitInput, into bounds: inout BoundList)
}

extension Constraint {
    static var usesMeasurements: Bool { true }
}
