public import BMSCore
public import ChargeLimits

/// The line to a BMS, or to the BMSs of a bank.
public struct LinkFigures: Hashable, Sendable {
    /// Time of the last good frame; `nil` before the first.
    public var newestAt: Timestamp?
    /// Counters of the decoder.
    public var counters: LinkCounters
    /// Good frames in the last minute, percent; `nil` in the first minute.
    public var quality: Int?
}

/// Permissions and alarms of the BMS, or of all BMSs of a bank together.
public struct StatusFigures: Hashable, Sendable {
    /// Permissions to charge and to discharge, after the vote.
    public var permissions: StatusFlags
    /// Alarms, after the vote.
    public var alarms: StatusFlags
    /// Alarms that the BMS keeps raising in frames that are refused for their content, after the last good frame has become stale.
    public var refused: StatusFlags

    /// Charging is permitted.
    public var chargeAllowed: Bool { permissions.contains(.chargeAllowed) }
    /// Discharging is permitted.
    public var dischargeAllowed: Bool { permissions.contains(.dischargeAllowed) }
}

/// Values of a battery over a longer time.
public struct HistoryFigures: Hashable, Sendable {
    /// Energy counters.
    public var totals = EnergyTotals()
    /// Extremes that were seen.
    public var peaks = CellVoltageExtremes()
    /// Seconds since the battery was last full; `nil`: never seen.
    public var secondsSinceFull: Int64?

    /// Values of which none is known.
    public init() {}
}

/// The part of a report that only a pack has.
public struct PackFigures: Sendable {
    /// The pack by configuration.
    public let options: Shared<PackOptions>
    /// Knowledge of the pack.
    public let snapshot: PackSnapshot
    /// Settings in force.
    package let settings: CommandedSettings
    /// Latches of the limits.
    public let latches: Set<LimitMemory.Latch>
    /// Events that were counted.
    public let counts: PackCounters
    /// Relays that the bridge drives.
    public internal(set) var relays: [RelayState]

    package init(
        _ options: Shared<PackOptions>, _ snapshot: PackSnapshot, settings: CommandedSettings = CommandedSettings(),
        latches: Set<LimitMemory.Latch> = [], counts: PackCounters = PackCounters(), relays: [RelayState] = []
    ) {
        self.options = options
        self.snapshot = snapshot
        self.settings = settings
        self.latches = latches
        self.counts = counts
        self.relays = relays
    }

    /// The basis of the settings' bounds.
    package var context: SettingContext { SettingContext(pack: options, snapshot: snapshot, latches: latches) }
}

/// The part of a report that only a bank has.
public struct BankFigures: Sendable {
    /// Reports of the packs that are on the bus by configuration.
    public var packs: [BatteryReport]
    /// Number of packs that are heard.
    public var online = 0
    /// Number of packs that are silent, or taken off the bus by configuration.
    public var offline = 0
    /// Number of packs that take no charge.
    public var blockingCharge = 0
    /// Number of packs that give no charge.
    public var blockingDischarge = 0
    /// Alarm for a pack that was not heard since the start; `nil`: there is none, or it is too early to say.
    public var unheard: AlarmLevel?
    /// The packs cannot be in parallel.
    public var isMismatched = false
}
