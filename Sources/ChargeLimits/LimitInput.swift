import BMSCore

/// Everything that a rule may look at in one step.
struct LimitInput: Sendable {
    /// Figures of the owner and the chemistry.
    var figures: DerivedParameters
    /// The newest believed measurements.
    var measured: Measurements
    /// The measurements before the newest; `nil` where the newest count alone, because they are the first or nothing came for 2 s.
    var before: Measurements?
    /// The check that refused the newest frame whose sum was right; `nil` where that frame was taken.
    var refusal: Rejection?
    /// The owner allowed charging a deeply discharged pack, in this step.
    var isDeepChargeAllowed = false
    /// A full charge is due or asked for.
    var isFullChargeDue = false
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
    /// Commands of people and programs.
    var commands: LimitCommands
    /// Number of cells before this step, where the number changed in it.
    var cellsBefore: Int?
    /// Seconds since the measurement before, 0...5; 0 in a step without a new measurement.
    var elapsed: Double
    /// Limits that were published last; `nil` in the first step.
    var published: Limits.Levels?
    /// Moment of this step.
    var now: Timestamp
    /// Other packs of the bank are not full yet: float waits for them.
    var isAwaitingPacks: Bool
    /// Charge state after this measurement.
    var state = ChargeState.bulk
    /// Balancing ended because it gained nothing.
    var isStalled = false
    /// Filtered N x highest - pack, mV.
    var imbalance = 0.0
    /// Resistance of a cell that DCL uses, milliohm.
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
    var current: Milliamperes { measured.current ?? .zero }
    /// The current is measured; one frame without it proves nothing.
    var hasSensor: Bool { measured.current != nil || before?.current != nil }
    /// The BMS ended the charge itself, as it does in normal mode when the pack is full: this is not a fault, only a missing permission.
    /// The pack must show it: it is full, its cells are at Vbalance, or, in normal mode, its charge is not below the restart figure. Any other
    /// refusal is meant to stop charging.
    var isEndedByBMS: Bool {
        guard !permissions.contains(.chargeAllowed), faults.isDisjoint(with: .alarms) else { return false }
        if isFull || measured.lowestVoltage >= settings.balanceVoltage { return true }
        guard configuration.relayMode == .normal else { return false }
        return measured.lowestVoltage >= settings.balanceVoltage - ChargeStateMachine.top
            || (isSocKnown && socRising >= configuration.restartSoc)
    }
    /// The pack is at float, or on its way down to it.
    var isFull: Bool { state == .full || state == .float }
    /// The state of charge is calibrated, so it may rule a limit.
    var isSocKnown: Bool { !newestStatus.contains(.socUncalibrated) }
    /// The highest cell with its number.
    var highest: Cause.CellVoltage {
        Cause.CellVoltage(cell: measured.highestVoltageCell, voltage: measured.highestVoltage)
    }
    /// The lowest cell with its number.
    var lowest: Cause.CellVoltage {
        Cause.CellVoltage(cell: measured.lowestVoltageCell, voltage: measured.lowestVoltage)
    }

    /// Pack voltage at which every cell is `below` its balancing voltage.
    func packVoltage(belowBalance below: Millivolts) -> Millivolts { figures.packVoltage(belowBalance: below) }
}

/// Readings that two frames in a row agree on: of the two the less severe counts, so one wrong frame moves nothing.
extension LimitInput {
    /// Voltage of the highest cell.
    var highestVoltage: Millivolts { agreed(min, \.highestVoltage) }
    /// The same on its way down.
    var highestVoltageFalling: Millivolts { agreed(max, \.highestVoltage) }
    /// State of charge on its way down, percent.
    var socFalling: Int { agreed(max, \.soc) }
    /// State of charge on its way up, percent.
    var socRising: Int { agreed(min, \.soc) }
    /// Voltage of the lowest cell.
    var lowestVoltage: Millivolts { agreed(max, \.lowestVoltage) }
    /// The same on its way up.
    var lowestVoltageRising: Millivolts { agreed(min, \.lowestVoltage) }
    /// Temperature of the coldest cell.
    var coldest: Millidegrees { agreed(max, \.lowestTemperature) }
    /// The same on its way up.
    var coldestRising: Millidegrees { agreed(min, \.lowestTemperature) }
    /// Temperature of the warmest cell.
    var warmest: Millidegrees { agreed(min, \.highestTemperature) }

    /// The one of two frames' readings that is chosen; the newest where it counts alone.
    private func agreed<Reading>(
        _ choose: (Reading, Reading) -> Reading, _ reading: (Measurements) -> Reading
    ) -> Reading {
        let newest = reading(measured)
        return before.map { choose(reading($0), newest) } ?? newest
    }

    /// N x highest - pack, mV, 0 or more.
    var measuredImbalance: Double {
        func imbalance(_ measured: Measurements) -> Double {
            Double(max(0, (measured.highestVoltage * cells - measured.packVoltage).rawValue))
        }
        return agreed(min, imbalance)
    }
    /// Voltage of the lowest cell without the effect of the current, mV.
    func lowestRest(_ resistance: Double) -> Double {
        func rest(_ measured: Measurements) -> Double {
            // Half of the rise by a charge current is taken off.
            let amperes = Double((measured.current ?? .zero).rawValue) / 1000
            return Double(measured.lowestVoltage.rawValue) - resistance * amperes * (amperes > 0 ? 0.5 : 1)
        }
        return before.map { max(rest($0), rest(measured)) } ?? rest(measured)
    }

    /// ``lowestRest`` by the newest frame alone, where its pack voltage and its current confirm that a load of at least 10 % of C switched
    /// on, mV; otherwise `nil`.
    func suddenRest(_ resistance: Double) -> Double? {
        guard isLoadStep(of: 100), let new = measured.current else { return nil }
        return Double(measured.lowestVoltage.rawValue) + resistance * Double(max(0, -new.rawValue)) / 1000
    }

    /// In the newest frame a load of so many thousandths of C switched on: both current and pack voltage show it.
    func isLoadStep(of permille: Int) -> Bool {
        guard let before, let new = measured.current, let old = before.current else { return false }
        let step = Double((old - new).rawValue) / 1000
        guard step >= Double(capacity.rawValue * permille) / 1_000_000 else { return false }
        let expected = step * figures.expectedResistance * Double(cells) / 4
        return Double((before.packVoltage - measured.packVoltage).rawValue) >= expected
    }
}
