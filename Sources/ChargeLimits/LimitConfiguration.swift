public import BMSCore

/// Permissions and wishes of the owner, from the configuration file. Nothing else may raise a limit above it.
public struct LimitConfiguration: Hashable, Sendable {
    /// Ceiling of the charge current; `nil` where the chemistry alone decides.
    public var maximumChargeCurrent: Milliamperes?
    /// Ceiling of the discharge current; `nil` where the chemistry alone decides.
    public var maximumDischargeCurrent: Milliamperes?
    /// Ceiling of the charge voltage, whole pack; `nil` where the thresholds alone decide.
    public var maximumChargeVoltage: Millivolts?
    /// Rating of the pack's fuse.
    public var fuse: Milliamperes?
    /// Range of the current sensor: beyond it the BMS is blind.
    public var sensorRange = Milliamperes(500_000)
    /// Tmin for charging as set in the BMS (it is not on the wire); `nil` where the chemistry decides.
    public var minimumChargeTemperature: Millidegrees?
    /// Tmin for discharging as set in the BMS; `nil` where the chemistry decides.
    public var minimumDischargeTemperature: Millidegrees?
    /// Tmax as set in the BMS.
    public var maximumTemperature = Millidegrees(55_000)
    /// The behaviour that is set for the BMS's relays.
    public var relayMode = RelayMode.normal
    /// Ages at which data turns stale.
    public var freshness = FreshnessTimes()

    /// Target above Vbalance, per cell; here and below, `nil` where the chemistry decides.
    public var head: Millivolts?
    /// Soft cap of the highest cell above Vbalance.
    public var softCap: Millivolts?
    /// Resting voltage after full, below Vbalance, per cell.
    public var floatBelow: Millivolts?
    /// After full the voltage comes down to rest; `false` keeps it at the target.
    public var floats = true
    /// Charge current, thousandths of C.
    public var chargeRate: Int?
    /// Discharge current, thousandths of C.
    public var dischargeRate: Int?
    /// Voltage above Vmin at which discharge tapers to its floor, per cell; a V-low from the BMS yields to it.
    public var hold: Millivolts?
    /// Resistance of a cell with diffusion, microohms; `nil` for that of the chemistry until it is learned.
    public var cellResistance: Int?
    /// Charge current against temperature; `nil` where the chemistry decides.
    public var chargeCurve: TemperatureCurve?
    /// Discharge current against temperature; `nil` where the chemistry decides.
    public var dischargeCurve: TemperatureCurve?
    /// Rise of a board's reading while it balances.
    public var boardRise = Millidegrees(12_000)
    /// State of charge kept for emergencies, percent; 0 for none.
    public var reserveSoc = 0
    /// State of charge at which charging stops, percent, 50...100; 100 for none.
    public var maximumSoc = 100
    /// Float ends below this state of charge, percent.
    public var restartSoc = 95
    /// Days after a full charge until the next one is due although the pack hardly discharged; 0 for never.
    public var fullChargeInterval = 7
    /// Hours of the day, local time, in which a due full charge may begin; `nil` for any. 22..<30 ends at 6 in the morning.
    public var balanceHours: Range<Int>?

    /// Chargers ignore CCL: CVL alone has to hold the current.
    public var isVoltageOnly = false
    /// Voltage that such chargers add to CVL, whole pack.
    public var overshoot = Millivolts(400)

    /// Creates the defaults above.
    public init() {}
}
