public import BMSCore

/// Permissions and wishes of the owner, from the configuration file. Nothing else may raise a limit above it.
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

    /// Target above Vbalance, per cell; `nil`: by chemistry, as below.
    public var head: Millivolts?
    /// Soft cap of the highest cell above Vbalance.
    public var softCap: Millivolts?
    /// Resting voltage after full, below Vbalance, per cell.
    public var floatBelow: Millivolts?
    /// After full the voltage comes down to rest; `false`: it stays at the target.
    public var floats = true
    /// Thousandths of C.
    public var chargeRate: Int?
    /// Thousandths of C.
    public var dischargeRate: Int?
    /// Where discharge tapers to its floor, above Vmin, per cell; a V-low from the BMS yields to it.
    public var hold: Millivolts?
    /// Resistance of a cell with diffusion, microohms; `nil`: by chemistry until it is learned.
    public var cellResistance: Int?
    /// Charge current against temperature; `nil`: by chemistry.
    public var chargeCurve: TemperatureCurve?
    /// Discharge current against temperature; `nil`: by chemistry.
    public var dischargeCurve: TemperatureCurve?
    /// How much warmer a board reads while it balances.
    public var boardRise = Millidegrees(12_000)
    /// State of charge kept for emergencies, percent; 0: none.
    public var reserveSoc = 0
    /// State of charge at which charging stops, percent, 50...100; 100: none.
    public var maximumSoc = 100
    /// Float ends below this state of charge, percent.
    public var restartSoc = 95
    /// Days after a full charge until the next one is due though the pack hardly discharged; 0: never.
    public var fullChargeInterval = 7
    /// Hours of the day, local time, in which a due full charge may begin; `nil`: any. 22..<30 ends at 6 in the morning.
    public var balanceHours: Range<Int>?

    /// Chargers ignore CCL: CVL alone has to hold the current.
    public var isVoltageOnly = false
    /// Voltage that such chargers add to CVL, whole pack.
    public var overshoot = Millivolts(400)

    /// The defaults above.
    public init() {}
}
