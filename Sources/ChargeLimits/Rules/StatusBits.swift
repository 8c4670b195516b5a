import BMSCore

/// Prohibitions of the BMS: permissions, alarms and lost cell boards. The rule looks at status bits alone, so it acts on frames whose
/// measurements are junk, too.
///
/// Permission is lost with the first frame that lacks it. While it waits for a second frame after a silence, limits stay
/// where they are: one frame raises nothing, but a pause of the cable must not stop an inverter either. An alarm acts
/// with the first frame that shows it, though it is *shown* after two of three only: stopping for a second costs nothing.
///
/// Source: the vendor's paper, status byte 1. Example: bit 0 missing at the end of a charge on 16 LFP cells with Vbalance
/// 3.400 V: CCL 0, CVL 16 x 3.380 V = 54.08 V.
struct StatusBits: LimitRule {
    mutating func bounds(_ input: LimitInput, after earlier: [Bound]) -> [Bound] {
        let faults = input.faults
        let safe = input.packVoltage(belowBalance: .safe)
        var bounds: [Bound] = []
        if !input.permissions.contains(.chargeAllowed) { bounds += charge(input) }
        if !input.permissions.contains(.dischargeAllowed) {
            let isAwaited = input.newestStatus.contains(.dischargeAllowed)
            let dcl = isAwaited ? input.published?.dcl : nil
            bounds.append(
                .dcl(dcl ?? .zero, .dischargePermission, isAwaited ? .dischargeAwaited : .dischargeRefused))
        }
        if faults.contains(.noCellCommunication) {
            bounds.append(.ccl(.zero, .cellCommunication, .cellCommunication))
            bounds.append(.dcl(.zero, .cellCommunication, .cellCommunication))
            bounds.append(.cvl(safe, .cellCommunication, .cellCommunication))
        }
        if faults.contains(.cellTooHigh) {
            bounds.append(.ccl(.zero, .alarmHighCell, .cellTooHigh))
            bounds.append(.cvl(safe, .alarmHighCell, .cellTooHigh))
        }
        if faults.contains(.cellTooLow) { bounds.append(.dcl(.zero, .alarmLowCell, .cellTooLow)) }
        if faults.contains(.tooCold) { bounds.append(.ccl(.zero, .alarmCold, .tooCold)) }
        if faults.contains(.tooWarm) {
            bounds.append(.ccl(.zero, .alarmHot, .tooWarm))
            bounds.append(.dcl(.zero, .alarmHot, .tooWarm))
        }
        // The reason names the check that refused the frame's measurements.
        guard let refusal = input.refusal else { return bounds }
        return bounds.map { bound in
            var bound = bound
            bound.cause = .inRefusedFrame(bound.cause, refusal)
            return bound
        }
    }

    private func charge(_ input: LimitInput) -> [Bound] {
        let isAwaited = input.newestStatus.contains(.chargeAllowed)
        let cause: Cause = isAwaited ? .chargeAwaited : .chargeRefused(isEndOfCharge: input.isEndedByBMS)
        let ccl = Bound.ccl((isAwaited ? input.published?.ccl : nil) ?? .zero, .chargePermission, cause)
        // The charge that ended by itself is eased down by the float voltage: there is nothing to protect.
        guard !input.isFull || isAwaited || !input.isEndedByBMS else { return [ccl] }
        let resting = input.figures.floatVoltage
        return [ccl, .cvl((isAwaited ? input.published?.cvl : nil) ?? resting, .chargePermission, cause)]
    }
}
