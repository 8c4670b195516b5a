import BMSCore

/// What the BMS forbids: permissions, alarms and lost cell boards. Looks at status bits alone, so it acts on frames
/// whose measurements are junk, too.
///
/// Permission is lost with the first frame that lacks it. While it waits for a second frame after a silence, limits stay
/// where they are: one frame raises nothing, but a pause of the cable must not stop an inverter either. An alarm acts with the first frame that shows it, though it
/// is *shown* after two of three only: stopping for a second costs nothing.
struct StatusBits: Constraint {
    var usesMeasurements: Bool { false }

    mutating func evaluate(_ input: LimitInput) -> [ConstraintValue] {
        let snapshot = input.snapshot
        let faults = snapshot.alarms.union(snapshot.newestStatus.intersection(.alarms))
        var result: [ConstraintValue] = []
        let resting = input.packVoltage(belowBalance: input.profile.floatBelow)
        let safe = input.packVoltage(belowBalance: Millivolts(100))
        if !snapshot.chargeAllowed {
            let isAwaited = snapshot.newestStatus.contains(.chargeAllowed)
            let isEnd = input.configuration.relayMode == .normal && faults.isEmpty
            let refusal = "the BMS does not permit charging" + (isEnd ? " (in normal mode a full pack ends it so)" : "")
            let reason = isAwaited ? "one frame permits charging, a second must follow" : refusal
            let ccl = isAwaited ? input.published?.ccl : nil
            let cvl = isAwaited ? input.published?.cvl : nil
            result += [
                .ccl(ccl ?? .zero, "chargePermission", reason), .cvl(cvl ?? resting, "chargePermission", reason),
            ]
        }
        if !snapshot.dischargeAllowed {
            let isAwaited = snapshot.newestStatus.contains(.dischargeAllowed)
            let dcl = isAwaited ? input.published?.dcl : nil
            let reason =
                isAwaited
                ? "one frame permits discharging, a second must follow" : "the BMS does not permit discharging"
            result.append(.dcl(dcl ?? .zero, "dischargePermission", reason))
        }
        if faults.contains(.noCellCommunication) {
            let reason = "the BMS does not hear its cell boards"
            result += [
                .ccl(.zero, "cellCommunication", reason), .dcl(.zero, "cellCommunication", reason),
                .cvl(safe, "cellCommunication", reason),
            ]
        }
        if faults.contains(.cellTooHigh) {
            let reason = "the BMS reports a cell above Vmax"
            result += [.ccl(.zero, "alarmHighCell", reason), .cvl(safe, "alarmHighCell", reason)]
        }
        if faults.contains(.cellTooLow) {
            result.append(.dcl(.zero, "alarmLowCell", "the BMS reports a cell below Vmin"))
        }
        if faults.contains(.tooCold) {
            result.append(.ccl(.zero, "alarmCold", "the BMS reports a cell below Tmin"))
        }
        if faults.contains(.tooWarm) {
            let reason = "the BMS reports a cell above Tmax"
            result += [.ccl(.zero, "alarmHot", reason), .dcl(.zero, "alarmHot", reason)]
        }
        return result
    }
}
