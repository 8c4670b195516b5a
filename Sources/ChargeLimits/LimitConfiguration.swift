public import BMSCore

/// What the owner allows, from the configuration file. Nothing else may raise a limit above it.
public struct LimitConfiguration: Hashable, Sendable {
    /// Ceiling of the charge current; `nil`: by chemistry alone.
    public var maximumChargeCurrent: Milliamperes?
    /// Ceiling of the discharge current; `nil`: by chemistry alone.
    public var maximumDischargeCurrent: Milliamperes?
    /// Ceiling of the charge voltage, whole pack; `nil`: by thresholds alone.
    public var maximumChargeVoltage: Millivolts?
    /// Rating of the pack's fuse.
    public var fuse: Milliamperes?
    /// Range of the current sensor: beyond it the BMS is blind.
    public var sensorRange = Milliamperes(500_000)
    /// Tmin for charging as set in the BMS (it is not on the wire); `nil`: by chemistry.
    public var minimumChargeTemperature: Millidegrees?
    /// Tmin for discharging as set in the BMS; `nil`: by chemistry.
    public var minimumDischargeTemperature: Millidegrees?
    /// Tmax as set in the BMS.
    public var maximumTemperature = Millidegrees(55_000)
    /// How the BMS's relays are set to behave.
    public var relayMode = RelayMode.normal
    /// Ages at which data turns stale.
    public var freshness = FreshnessTimes()

    /// The defaults above.
    public init() {}
}
