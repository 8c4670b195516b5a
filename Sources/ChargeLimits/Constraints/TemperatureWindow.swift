import BMSCore

/// Currents by temperature, inside the window that is set in the BMS (it is not on the wire, so the file has it).
///
/// Cold is judged by the coldest cell, heat by the warmest. The charge curve never touches DCL: cold stops charging,
/// not the loads (123SmartBMS-Venus #4).
///
/// Example: LFP, coldest cell 3.0 degC, Tmin 0 degC: 0.075 C of 100 Ah = 7.5 A.
struct TemperatureWindow: Constraint {
    private static let mild = Millidegrees(25_000)

    mutating func evaluate(_ input: LimitInput) -> [ConstraintValue] {
        let file = input.configuration
        let charge = input.profile.charge.within(file.minimumChargeTemperature, file.maximumTemperature)
        let discharge = input.profile.discharge.within(file.minimumDischargeTemperature, file.maximumTemperature)
        let coldest = input.snapshot.degrees(input.frame.lowestTemperature)
        let warmest = input.snapshot.degrees(input.frame.highestTemperature)
        let cold = "coldest cell \(input.frame.lowestTemperatureCell) at \(coldest.inDegrees)"
        let hot = "warmest cell \(input.frame.highestTemperatureCell) at \(warmest.inDegrees)"
        func limit(_ curve: TemperatureCurve, _ temperature: Millidegrees) -> Milliamperes {
            input.rate(curve.rate(at: temperature))
        }
        return [
            .ccl(limit(charge, min(coldest, Self.mild)), "cold", cold),
            .ccl(limit(charge, max(warmest, Self.mild)), "hot", hot),
            .dcl(limit(discharge, min(coldest, Self.mild)), "cold", cold),
            .dcl(limit(discharge, max(warmest, Self.mild)), "hot", hot),
        ]
    }
}
