public import BMSCore
public import ChargeLimits

/// Everything known of a pack or a bank at one moment. Outputs, relays and alarms look at nothing else.
///
/// A value that a battery does not have, or that is not known, is `nil`. What only a pack or only a bank has is behind ``pack`` or ``bank``.
public struct BatteryReport: Sendable {
    /// The part that only one kind of battery has.
    public enum Kind: Sendable {
        case pack(PackFigures)
        case bank(BankFigures)
    }

    private let shared: Shared<BatteryIdentity>
    /// Name in force: the file's, or one that was commanded.
    public let name: String
    /// Time of the report.
    public let now: Timestamp
    /// Freshness of the data.
    public let freshness: Freshness
    /// The line to the BMS.
    public let link: LinkFigures
    /// The newest believed readings, however old; `nil` before the first.
    public private(set) var lastReadings: Readings?
    /// The direction of the current, without its flicker; `nil` while none is known.
    private var lastDirection: CurrentDirection?
    /// Advice to the owner.
    public var advice: [Advice] = []
    /// The CAN buses on which the limits are told, as one; `nil`: there is none, or nothing is known of it yet.
    public var bus: BusFigures?
    /// Thresholds and capacity that the owner set in the BMS; of a bank those of its first pack, with the capacity of all. `nil` before the
    /// first believed frame.
    public let thresholds: PackSettings?
    /// Charge and power by the newest believed readings, however old.
    public let lastCharge: ChargeFigures
    /// Permissions and alarms of the BMS.
    public let status: StatusFigures
    /// The published limits; `nil` before the first believed frame.
    public let limits: Limits?
    /// Values over a longer time.
    public let history: HistoryFigures
    /// The part that only a pack, or only a bank, has.
    public internal(set) var kind: Kind
    /// The readings may be shown as live: they are not stale, and the cell boards are heard.
    private let isMeasured: Bool

    init(
        _ battery: Shared<BatteryIdentity>, name: String, _ freshness: Freshness, link: LinkFigures,
        measuredAt: Timestamp?, readings: Readings?, thresholds: PackSettings?, nominal: Millivolts?,
        status: StatusFigures, limits: Limits?, history: HistoryFigures, kind: Kind, at now: Timestamp
    ) {
        shared = battery
        self.name = name
        self.now = now
        self.freshness = freshness
        self.link = link
        lastReadings = readings
        self.thresholds = thresholds
        lastCharge = ChargeFigures(
            capacity: thresholds?.capacity, stored: readings?.energyStored, nominal: nominal,
            voltage: readings?.voltage, current: readings?.current)
        self.status = status
        self.limits = limits
        self.history = history
        self.kind = kind
        isMeasured =
            freshness.isLive && !status.alarms.contains(.noCellCommunication)
            && battery.value.freshness.freshness(of: measuredAt, at: now).isLive
    }
}

extension BatteryReport {
    /// The battery by configuration.
    public var battery: BatteryIdentity { shared.value }
    /// The part that only a pack has; `nil` for a bank.
    public var pack: PackFigures? { if case .pack(let figures) = kind { figures } else { nil } }
    /// The part that only a bank has; `nil` for a pack.
    public var bank: BankFigures? { if case .bank(let figures) = kind { figures } else { nil } }

    /// The same with what is kept from report to report: cells that stay, and the direction of the current.
    func steadied(_ cells: SteadyCells, _ direction: CurrentDirection?) -> BatteryReport {
        var report = self
        report.lastReadings = lastReadings.map { cells.shown($0) }
        report.lastDirection = direction
        return report
    }

    /// The direction of the current; `nil` where it is not known, or may not be shown as live.
    public var direction: CurrentDirection? { readings?.current == nil ? nil : lastDirection }

    /// The readings; `nil` where they may not be shown as live.
    public var readings: Readings? { isMeasured ? lastReadings : nil }
    /// Charge and power; `nil` where they may not be shown as live.
    public var charge: ChargeFigures? { isMeasured ? lastCharge : nil }
    /// Permissions and alarms of the BMS; `nil` where no good frames come.
    public var flags: StatusFlags? { freshness.isLive ? status.permissions.union(status.alarms) : nil }
    /// Rare values of a pack; `nil` for a bank, and where no good frames come.
    public var keys: KeyValues? { freshness.isLive ? pack?.snapshot.keys : nil }
    /// Relays that the bridge drives; a bank has none.
    public var relays: [RelayState] { pack?.relays ?? [] }

    /// Good frames come, and limits are known: a BMS that has not heard its cell boards since the start has none.
    public var hasLiveLimits: Bool { freshness.isLive && limits != nil }
    /// Milliseconds since the last good frame; `nil` before the first.
    public var linkAge: Int64? { link.newestAt.map { max(0, now - $0) } }
    /// Age of the oldest data behind live values, ms; 0 where nothing is live.
    public var dataAge: Int64 {
        // A pack that falls silent counts in its bank until it is stale.
        if let bank { return bank.packs.reduce(0) { max($0, $1.dataAge) } }
        return freshness.isLive ? linkAge ?? 0 : 0
    }

    /// Number of cells that are listed one by one: those of a pack, none of a bank.
    public var cellCount: Int { pack == nil ? 0 : thresholds?.cellCount ?? 0 }
    /// Live reading of a cell of the pack, or of a pack of the bank; `nil` where it is not known.
    func reading(of place: CellPlace) -> CellReading? {
        guard let bank else { return cell(place.number) }
        return bank.packs.first { $0.battery.id == place.pack }?.cell(place.number)
    }
    /// Live reading of a cell, from 1; `nil` for a bank, and where it is not known.
    public func cell(_ number: Int) -> CellReading? {
        isMeasured ? pack?.snapshot.reading(ofCell: number, at: now) : nil
    }
}

extension BatteryReport {
    /// A pack's report.
    ///
    /// - Parameters:
    ///   - freshness: of the data; `nil`: by the age of the last good frame.
    ///   - quality: good frames in the last minute, percent.
    package init(
        _ battery: Shared<BatteryIdentity>, _ pack: PackFigures, freshness: Freshness? = nil, limits: Limits? = nil,
        history: HistoryFigures = HistoryFigures(), quality: Int? = nil, at now: Timestamp
    ) {
        let (snapshot, times) = (pack.snapshot, battery.value.freshness)
        let isHeard = times.freshness(of: snapshot.heardAt, at: now).isLive
        self.init(
            battery, name: pack.settings.customName ?? battery.value.name,
            freshness ?? times.freshness(of: snapshot.linkAt, at: now),
            link: LinkFigures(newestAt: snapshot.linkAt, counters: snapshot.counters, quality: quality),
            measuredAt: snapshot.measuredAt, readings: snapshot.measurements.map { Readings($0) },
            thresholds: snapshot.settings, nominal: snapshot.nominalPackVoltage,
            status: StatusFigures(
                permissions: snapshot.permissions, alarms: snapshot.alarms, refused: isHeard ? snapshot.alarms : []),
            limits: limits, history: history, kind: .pack(pack), at: now)
    }
}
