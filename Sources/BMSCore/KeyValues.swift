/// Values that a BMS sends rarely. An absent value is `nil`, never 0.
public struct KeyValues: Hashable, Sendable {
    /// State of health, 0...100 %.
    public var stateOfHealth: Int?
    /// Charge efficiency, 0...100 %.
    public var chargeEfficiency: Int?
    /// V-low: early warning before Vmin.
    public var lowVoltage: Millivolts?
    /// Nominal voltage of a cell.
    public var nominalVoltage: Millivolts?
    /// Firmware, as "3.3.11".
    public var firmware: String?
    /// Battery cycles.
    public var cycles: Int?
    /// Energy charged, 1 kWh steps.
    public var chargedEnergy: WattHours?
    /// Energy discharged, 1 kWh steps.
    public var dischargedEnergy: WattHours?
    /// Contacts and early warning.
    public var secondStatus: SecondStatus?
    /// V-full: the voltage at which a cell counts as full.
    public var fullVoltage: Millivolts?

    /// Creates values of which none is known.
    public init() {}
}
