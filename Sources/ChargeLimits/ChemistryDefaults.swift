public import BMSCore

/// Figures that hold where the owner sets none, for people who read a configuration.
public struct ChemistryDefaults: Hashable, Sendable {
    /// Charge current in thousandths of the capacity per hour.
    public let chargeRate: Int
    /// Discharge current in thousandths of the capacity per hour.
    public let dischargeRate: Int
    /// Temperature at and below which charging ends, whole degrees Celsius; `nil` where there is none.
    public let lowestChargeTemperature: Int?

    /// The figures of a chemistry with the owner's rates and curves, but without a window of temperatures.
    public init(_ chemistry: Chemistry, _ file: LimitConfiguration) {
        let profile = ChemistryProfile.of(chemistry)
        let charge = file.chargeCurve ?? profile.charge
        chargeRate = file.chargeRate ?? profile.chargeRate
        dischargeRate = file.dischargeRate ?? profile.dischargeRate
        lowestChargeTemperature = (-50...50).last { charge.rate(at: Millidegrees($0 * 1000)) == 0 && $0 < 25 }
    }
}
