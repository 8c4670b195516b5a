import BMSCore

/// Ceilings that do not move: the owner's caps, the fuse, the sensor's range, the chemistry's rate. Each by its own
/// name, so that the binding one can be told (123SmartBMS-Venus #24 asked for it).
struct Ceilings: Constraint {
    /// Share of the sensor's range that is used: at its end a reading saturates and hides the excess.
    private static let sensorShare = 95

    mutating func evaluate(_ input: LimitInput) -> [ConstraintValue] {
        let file = input.configuration
        var result: [ConstraintValue] = []
        if let cap = file.maximumChargeCurrent {
            result.append(.ccl(cap, "userCap", "configured maximum charge current of \(cap.inAmperes)"))
        }
        if let cap = file.maximumDischargeCurrent {
            result.append(.dcl(cap, "userCap", "configured maximum discharge current of \(cap.inAmperes)"))
        }
        if let cap = file.maximumChargeVoltage {
            result.append(.cvl(cap, "userCap", "configured maximum charge voltage of \(cap.inPackVolts)"))
        }
        if let fuse = file.fuse {
            let reason = "fuse of \(fuse.inAmperes)"
            result += [.ccl(fuse, "fuse", reason), .dcl(fuse, "fuse", reason)]
        }
        let sensor = Milliamperes(file.sensorRange.rawValue * Self.sensorShare / 100)
        let range = "\(Self.sensorShare) % of the current sensor's range of \(file.sensorRange.inAmperes)"
        result += [.ccl(sensor, "sensorRange", range), .dcl(sensor, "sensorRange", range)]
        let kind = input.snapshot.chemistry?.rawValue.uppercased() ?? "unknown chemistry"
        let size = input.capacity.inAmpereHours
        let charge = input.rate(input.profile.chargeRate)
        let discharge = input.rate(input.profile.dischargeRate)
        result += [
            .ccl(
                charge, "cellRating",
                "\(input.profile.chargeRate.fixed(thousandths: 1)) C of \(size) for \(kind): \(charge.inAmperes)"),
            .dcl(
                discharge, "cellRating",
                "\(input.profile.dischargeRate.fixed(thousandths: 1)) C of \(size) for \(kind): \(discharge.inAmperes)"),
        ]
        return result
    }
}
