import BMSCore

/// Ceilings that do not move: the owner's caps, the fuse, the sensor's range, the chemistry's rate. Each ceiling has its own name, so that
/// the binding one can be reported (123SmartBMS-Venus #24 asked for it).
///
/// Amperes. Example: 100 Ah LFP, sensor 500 A, fuse 200 A, file 100 A: CCL is the least of 100 A (file), 200 A (fuse),
/// 475 A (95 % of the sensor) and 50 A (0.5 C of the chemistry), so 50 A by `cellRating`.
struct Ceilings: LimitRule {
    /// Share of the sensor's range that is used: at its end a reading saturates and hides the excess.
    private static let sensorShare = 95

    mutating func bounds(_ input: LimitInput, after earlier: [Bound]) -> [Bound] {
        // Nobody could tell when the current is too high.
        let isBlind = input.configuration.isVoltageOnly && !input.hasSensor
        return Self.bounds(input.figures) + (isBlind ? [.ccl(.zero, .chargeByVoltage, .noCurrentSensor)] : [])
    }

    /// The ceilings by these figures.
    static func bounds(_ figures: DerivedParameters) -> [Bound] {
        let file = figures.configuration
        var bounds: [Bound] = []
        if let cap = file.maximumChargeCurrent { bounds.append(.ccl(cap, .userCap, .chargeCap(cap))) }
        if let cap = file.maximumDischargeCurrent { bounds.append(.dcl(cap, .userCap, .dischargeCap(cap))) }
        if let cap = file.maximumChargeVoltage { bounds.append(.cvl(cap, .userCap, .voltageCap(cap))) }
        if let fuse = file.fuse {
            bounds.append(.ccl(fuse, .fuse, .fuse(fuse)))
            bounds.append(.dcl(fuse, .fuse, .fuse(fuse)))
        }
        let sensor = Milliamperes(file.sensorRange.rawValue * sensorShare / 100)
        let range = Cause.sensor(percent: sensorShare, range: file.sensorRange)
        bounds.append(.ccl(sensor, .sensorRange, range))
        bounds.append(.dcl(sensor, .sensorRange, range))
        let profile = figures.profile
        let charge = figures.rate(profile.chargeRate)
        let discharge = figures.rate(profile.dischargeRate)
        bounds.append(.ccl(charge, .cellRating, rating(figures, profile.chargeRate, charge)))
        bounds.append(.dcl(discharge, .cellRating, rating(figures, profile.dischargeRate, discharge)))
        return bounds
    }

    private static func rating(_ figures: DerivedParameters, _ permille: Int, _ current: Milliamperes) -> Cause {
        guard figures.settings.capacity > .zero else { return .noCapacity(assumed: figures.capacity) }
        return .rating(
            Cause.Rating(
                permille: permille, capacity: figures.capacity, current: current, chemistry: figures.chemistry))
    }
}
