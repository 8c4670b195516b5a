import BMSCore

/// Everything that a rule may look at in one step.
struct LimitInput: Sendable {
    /// Figures of the owner and the chemistry.
    var figures: LimitFigures
    /// The newest believed frame.
    var frame: Frame
    /// Conversion of raw temperatures into degrees.
    var temperatureScale: TemperatureScale
    /// Permissions of the BMS, after their vote.
    var permissions: StatusFlags
    /// Alarms of the BMS, after their vote.
    var alarms: StatusFlags
    /// The newest status byte as it came.
    var newestStatus: StatusFlags
    /// Freshness of the last good frame.
    var freshness: Freshness
    /// Milliseconds since the last good frame, 0 where none came.
    var age: Int64
    /// The last good frame came later than now: the clock jumped back.
    var isAhead: Bool
    /// Commands of somebody.
    var commands: LimitCommands
    /// Number of cells before this step, where it changed in it.
    var cellsBefore: Int?
    /// Seconds since the measurement before, 0...5; 0 in a step without a new measurement.
    var elapsed: Double
    /// Limits that were published last; `nil` in the first step.
    var published: Limits.Levels?
    /// Moment of this step.
    var now: Timestamp
    /// Other packs of the bank are not full yet: float waits for them.
    var isAwaitingPacks: Bool
    /// Charge state after this frame.
    var state = ChargeState.bulk
    /// Balancing ended because it gained nothing.
    var isStalled = false
    /// Filtered N x highest - pack, mV.
    var imbalance = 0.0
    /// Resistance of a cell that DCL is worked out with, milliohm.
    var resistance = 0.0

    /// Limits of the owner.
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
    /// The pack is eased down to float, or on the way.
    var isFull: Bool { state == .full || state == .float }
    /// The highest cell with its number.
    var highest: Cause.CellVoltage {
        Cause.CellVoltage(cell: frame.highestVoltageCell, voltage: frame.highestVoltage)
    }
    /// The lowest cell with its number.
    var lowest: Cause.CellVoltage { Cause.CellVoltage(cell: frame.lowestVoltageCell, voltage: frame.lowestVoltage) }
    /// Temperature of the coldest cell.
    var coldest: Millidegrees { temperatureScale.temperature(frame.lowestTemperature) }
    /// Temperature of the warmest cell.
    var warmest: Millidegrees { temperatureScale.temperature(frame.highestTemperature) }

    /// Pack voltage at which every cell sits `below` its balancing voltage.
    func packVoltage(belowBalance below: Millivolts) -> Millivolts { figures.packVoltage(belowBalance: below) }
}
