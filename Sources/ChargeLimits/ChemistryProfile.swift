import BMSCore

/// Defaults of a chemistry. Sources: the vendor's manuals (head), public cell and rack data sheets (C rates,
/// temperature curves), two peers and our bench (soft cap, hold, resistance).
struct ChemistryProfile: Hashable, Sendable {
    /// Target of the charge voltage above Vbalance, per cell. Manuals: 25...40 mV for LFP.
    var head: Millivolts
    /// Voltage above Vbalance at which feedback on the highest cell begins.
    var soft: Millivolts
    /// Resting voltage after full, below Vbalance.
    var floatBelow: Millivolts
    /// Voltage of the lowest cell, at rest after full, below which the next charge starts; `nil` where the state of charge alone decides.
    var restartVoltage: Millivolts?
    /// Charge current in thousandths of the capacity per hour.
    var chargeRate: Int
    /// Discharge current in thousandths of the capacity per hour.
    var dischargeRate: Int
    /// Voltage above Vmin at which discharge tapers to its floor, per cell.
    var hold: Millivolts
    /// Cell resistance with diffusion, on the high side: milliohm x ampere-hour.
    var resistance: Double
    /// Charge current against the coldest (below 25 degC) and the warmest cell.
    var charge: TemperatureCurve
    /// Discharge current against the coldest (below 25 degC) and the warmest cell.
    var discharge: TemperatureCurve

    static func of(_ chemistry: Chemistry?) -> ChemistryProfile {
        switch chemistry {
        case .lfp: lfp
        case .nmc, .nca: nmc
        case .lto: lto
        case nil: unknown
        }
    }

    /// The profile with the owner's figures in place of the defaults.
    func adapted(to file: LimitConfiguration) -> ChemistryProfile {
        var profile = self
        profile.head = file.head ?? head
        profile.soft = max(file.softCap ?? soft, profile.head)
        profile.floatBelow = file.floatBelow ?? floatBelow
        profile.chargeRate = file.chargeRate ?? chargeRate
        profile.dischargeRate = file.dischargeRate ?? dischargeRate
        profile.hold = file.hold ?? hold
        profile.charge = file.chargeCurve ?? charge
        profile.discharge = file.dischargeCurve ?? discharge
        return profile
    }

    private static let lfp = ChemistryProfile(
        head: Millivolts(30), soft: Millivolts(41), floatBelow: Millivolts(20), restartVoltage: Millivolts(3250),
        chargeRate: 500, dischargeRate: 1000, hold: Millivolts(80), resistance: 160,
        charge: TemperatureCurve([(0, 0), (1, 50), (5, 100), (10, 250), (15, 500), (45, 500), (50, 120), (55, 0)]),
        discharge: TemperatureCurve([(-20, 0), (-15, 200), (0, 500), (10, 1000), (50, 1000), (58, 0)]))

    private static let nmc = ChemistryProfile(
        head: Millivolts(20), soft: Millivolts(41), floatBelow: Millivolts(50), restartVoltage: nil,
        chargeRate: 500, dischargeRate: 1000, hold: Millivolts(50), resistance: 220,
        charge: TemperatureCurve([(0, 0), (2, 50), (10, 200), (15, 500), (40, 500), (45, 200), (50, 0)]),
        discharge: TemperatureCurve([(-20, 0), (-10, 200), (0, 500), (10, 1000), (45, 1000), (60, 0)]))

    private static let lto = ChemistryProfile(
        head: Millivolts(20), soft: Millivolts(35), floatBelow: Millivolts(50), restartVoltage: nil,
        chargeRate: 1000, dischargeRate: 1000, hold: Millivolts(30), resistance: 80,
        charge: TemperatureCurve([(-20, 0), (-10, 200), (0, 500), (10, 1000), (45, 1000), (60, 0)]),
        discharge: TemperatureCurve([(-30, 0), (-20, 300), (0, 1000), (50, 1000), (60, 0)]))

    /// Thresholds that fit no chemistry: the most careful figure of each row, and gentle currents.
    private static let unknown = ChemistryProfile(
        head: Millivolts(20), soft: Millivolts(35), floatBelow: Millivolts(50), restartVoltage: nil,
        chargeRate: 200, dischargeRate: 500, hold: Millivolts(80), resistance: 220, charge: nmc.charge,
        discharge: nmc.discharge)
}
