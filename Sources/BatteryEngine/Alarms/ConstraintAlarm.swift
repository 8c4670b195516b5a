import ChargeLimits

/// An alarm that a bound of the limits raises.
struct ConstraintAlarm: Hashable {
    var name: AlarmName
    var level: AlarmLevel
}

extension Bound {
    /// The alarm that this bound raises; `nil`: none.
    ///
    /// A deeply discharged pack has its alarm from the latch, not from the bound, and what the BMS says of itself from its
    /// bits. Packs that do not belong together are a bank's own alarm.
    var alarm: ConstraintAlarm? {
        switch name {
        case .hardCellCut: ConstraintAlarm(name: .highCellVoltage, level: .warning)
        case .cold:
            limit == .ccl && value == 0 ? ConstraintAlarm(name: .lowChargeTemperature, level: .warning) : nil
        case .chemistry: ConstraintAlarm(name: .internalFailure, level: .alarm)
        case .target, .userCap, .fuse, .sensorRange, .cellRating, .reserve, .maximumSoc, .float, .highestCell,
            .hotBoards, .lowestCell, .loadStep, .empty, .hot, .chargeByVoltage, .deepDischarge, .chargePermission,
            .dischargePermission, .cellCommunication, .alarmHighCell, .alarmLowCell, .alarmCold, .alarmHot, .cellCount,
            .link, .command, .chargeOff, .dischargeOff, .sum, .mismatch, .pack, .overload, .silent:
            nil
        }
    }
}
