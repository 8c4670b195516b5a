import BMSCore
import SmartBMS
import ChargeLimits

/// Everything that a row of the ``MetricCatalogue`` may look at, at one moment.
///
/// A class, for each step hands it to a hundred rows, and copies of a structure with so many references would be dear.
final class PackView: Sendable {
    /// The pack by configuration.
    let pack: Shared<PackOptions>
    /// Its name in force.
    let name: String
    /// Times after which its data is stale.
    let times: FreshnessTimes
    /// What is known of it.
    let snapshot: PackSnapshot
    /// How far that lies back.
    let freshness: Freshness
    /// The published limits; `nil` before the first believed frame.
    let limits: Limits?
    /// Extremes that were seen.
    let peaks: PackPeaks
    /// Time since the pack was last full; `nil`: never seen.
    let secondsSinceFull: Int64?
    /// Energy counters.
    let totals: EnergyTotals
    /// Good frames in the last minute, percent; `nil` in the first minute.
    let linkQuality: Int?
    /// CCL and DCL for a GX.
    let gxCurrents: GXCurrents
    /// How its relays stand.
    let relays: [RelayState]
    /// What a bank has beside; `nil`: a pack.
    let bank: BankFigures?
    /// What was counted beside the frames.
    let tally: PackTally
    /// Latches of its limits; none of a bank.
    let latches: Set<LimitMemory.Latch>
    /// The moment.
    let now: Timestamp
    /// The measurements may be shown as live: they are not stale, and the cell boards are heard.
    private let isMeasured: Bool

    /// - Parameter freshness: of the data; `nil`: as the snapshot says.
    init(
        _ pack: Shared<PackOptions>, name: String? = nil, _ snapshot: PackSnapshot, _ freshness: Freshness? = nil,
        limits: Limits? = nil, peaks: PackPeaks = PackPeaks(),
        secondsSinceFull: Int64? = nil, totals: EnergyTotals = EnergyTotals(), linkQuality: Int? = nil,
        gxCurrents: GXCurrents = GXCurrents(), relays: [RelayState] = [], bank: BankFigures? = nil,
        tally: PackTally = PackTally(), latches: Set<LimitMemory.Latch> = [], at now: Timestamp
    ) {
        let times = pack.value.tracker.freshness
        let freshness = freshness ?? times.freshness(of: snapshot.linkAt, at: now)
        self.pack = pack
        self.name = name ?? pack.value.name
        self.times = times
        self.snapshot = snapshot
        self.freshness = freshness
        self.limits = limits
        self.peaks = peaks
        self.secondsSinceFull = secondsSinceFull
        self.totals = totals
        self.linkQuality = linkQuality
        self.gxCurrents = gxCurrents
        self.relays = relays
        self.bank = bank
        self.tally = tally
        self.latches = latches
        self.now = now
        isMeasured =
            freshness.isLive && !snapshot.alarms.contains(.noCellCommunication)
            && times.freshness(of: snapshot.measuredAt, at: now).isLive
    }

    /// The pack by configuration.
    var options: PackOptions { pack.value }
    /// The measurements, where they may be shown as live.
    var live: Measurements? { isMeasured ? snapshot.measurements : nil }
    /// What follows from it.
    var power: Milliwatts? { isMeasured ? snapshot.power : nil }
    var storedCharge: MilliampereHours? { isMeasured ? snapshot.storedCharge : nil }
    var consumedCharge: MilliampereHours? { isMeasured ? snapshot.consumedCharge : nil }
    var timeToGo: Int? { isMeasured ? snapshot.timeToGo : nil }

    /// Voted status where the link is live.
    var status: StatusFlags? { freshness.isLive ? snapshot.permissions.union(snapshot.alarms) : nil }

    /// Alarms that the BMS keeps raising in frames that are refused for their content, after the last good one has become stale.
    var refusedAlarms: StatusFlags {
        times.freshness(of: snapshot.heardAt, at: now).isLive ? snapshot.alarms : []
    }

    /// Age of the oldest data behind live values, ms; what is said of a stale pack rests on none, and is 0.
    var dataAge: Int64 {
        // A pack that falls silent counts in its bank until it is stale.
        if let bank { return bank.packs.reduce(0) { max($0, $1.dataAge) } }
        return snapshot.dataAge(freshness, at: now)
    }

    /// Keys, where the link is live.
    var keys: KeyValues? { freshness.isLive ? snapshot.keys : nil }

    /// Cells that are listed one by one: none of a bank.
    var listedCells: Int { bank == nil ? snapshot.settings?.cellCount ?? 0 : 0 }

    /// Live reading of a cell, from 1.
    func cell(_ number: Int) -> CellReading? { isMeasured ? snapshot.reading(ofCell: number, at: now) : nil }
}

extension PackSnapshot {
    /// Age of the data where it counts as live, ms; else 0.
    func dataAge(_ freshness: Freshness, at now: Timestamp) -> Int64 { freshness.isLive ? age(at: now) ?? 0 : 0 }
}
