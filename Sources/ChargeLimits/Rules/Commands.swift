import BMSCore

/// Commands that somebody gave while the bridge runs. A command acts in its own step, without waiting for a frame.
///
/// Example: `maxChargeCurrent` 30 A: CCL 30 A. `chargeEnabled` OFF: CCL 0, and ``RestHold`` holds CVL.
struct Commands: LimitRule {
    mutating func bounds(_ input: LimitInput, after earlier: [Bound]) -> [Bound] {
        let commands = input.commands
        var bounds: [Bound] = []
        if let cap = commands.maximumChargeCurrent { bounds.append(.ccl(cap, .command, .commandedCharge(cap))) }
        if let cap = commands.maximumDischargeCurrent { bounds.append(.dcl(cap, .command, .commandedDischarge(cap))) }
        if let cap = commands.maximumChargeVoltage { bounds.append(.cvl(cap, .command, .commandedVoltage(cap))) }
        if let chargeOff = commands.chargeOff {
            bounds.append(.ccl(.zero, .chargeOff, .chargeSwitchedOff(chargeOff)))
        }
        if let dischargeOff = commands.dischargeOff {
            bounds.append(.dcl(.zero, .dischargeOff, .dischargeSwitchedOff(dischargeOff)))
        }
        return bounds
    }
}
