import BMSCore

/// Ceilings that do not move: the owner's caps, the fuse, the sensor's range, the chemistry's rate. Each by its own
/// name, so that the binding one can be told (123SmartBMS-Venus #24 asked for it).
///
/// Amperes. Example: 100 Ah LFP, sensor 500 A, fuse 200 A, file 100 A: CCL is the least of 100 A (file), 200 A (fuse),
/// 475 A (95 % of the sensor) and 50 A (0.5 C of the chemistry), so 50 A by `cellRating`.
struct Ceilings: Constraint {
    /// Share of the sensor's range that is used: at its end a reading saturates and hides the excess.
    private static let sensorShare = 95

    mutating func evaluate(_ input: LimitInput, into bounds: inout [ConstraintValue]) {
        let file = input.configuration
        if let cap = file.maximumChargeCurrent { bounds.append(.ccl(cap, .userCap, .chargeCap(cap))) }
        if let cap = file.maximumDischargeCurrent { bounds.append(.dcl(cap, .userCap, .dischargeCap(cap))) }
        if let cap = file.maximumChargeVoltage { bounds.append(.cvl(cap, .userCap, .voltageCap(cap))) }
        if let fuse = file.fuse {
            bounds.append(.ccl(fuse, .fuse, .fuse(fuse)))
            bounds.append(.dcl(fuse, .fuse, .fuse(fuse)))
        }
        let sensor = Milliamperes(file.sensorRange.rawValue * Self.sensorShare / 100)
        let range = Cause.sensor(percent: Self.sensorShare, range: file.sensorRange)
        bounds.append(.ccl(sensor, .sensorRange, range))
        bounds.append(.dcl(sensor, .sensorRange, range))
        let charge = input.rate(input.profile.chargeRate)
        let discharge = input.rate(input.profile.dischargeRate)
        bounds.append(.ccl(charge, .cellRating, rating(input, input.profile.chargeRate, charge)))
        bounds.append(.dcl(discharge, .cellRating, rating(input, input.profile.dischargeRate, discharge)))
    }

    private func rating(_ input: LimitInput, _ permille: Int, _ current: Milliamperes) -> Cause {
        guard input.settings.capacity > .zero else { return .noCapacity(assumed: input.capacity) }
        return .rating(
            Cause.Rating(
                permille: permille, capacity: input.capacity, current: current, chemistry: input.chemistry))
    }
}
