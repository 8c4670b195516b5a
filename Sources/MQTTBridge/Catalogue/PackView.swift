import BMSCore
import ChargeLimits

/// Everything that a row of the ``MetricCatalogue`` may look at, at one moment.
struct PackView {
    /// The pack by configuration.
    let options: PackOptions
    /// What is known of it.
    let snapshot: PackSnapshot
    /// How far that lies back.
    let freshness: Freshness
    /// The published limits; `nil` before the first believed frame.
    var limits: Limits?
    /// Extremes that were seen.
    var peaks = PackPeaks()
    /// Time since the pack was last full; `nil`: never seen.
    var secondsSinceFull: Int64?
    /// Energy counters.
    var totals = EnergyTotals()
    /// Good frames in the last minute, percent; `nil` in the first minute.
    var linkQuality: Int?
    /// CCL and DCL for a GX.
    var gxCurrents = GXCurrents()
    /// How its relays stand.
    var relays: [RelayState] = []
    /// What a bank has beside; `nil`: a pack.
    var bank: BankFigures?
    /// What was counted beside the frames.
    var tally = PackTally()
    /// The moment.
    let now: Timestamp
    /// The measurements may be shown as live: they are not stale, and the cell boards are heard.
    private let isMeasured: Bool

    init(_ options: PackOptions, _ snapshot: PackSnapshot, _ freshness: Freshness, at now: Timestamp) {
        self.options = options
        self.snapshot = snapshot
        self.freshness = freshness
        self.now = now
        isMeasured =
            freshness.isLive && !snapshot.alarms.contains(.noCellCommunication)
            && options.tracker.freshness.freshness(of: snapshot.measuredAt, at: now).isLive
    }

    /// The frame whose measurements may be shown as live.
    var live: Frame? { isMeasured ? snapshot.frame : nil }
    /// What follows from it.
    var power: Milliwatts? { isMeasured ? snapshot.power : nil }
    var storedCharge: MilliampereHours? { isMeasured ? snapshot.storedCharge : nil }
    var consumedCharge: MilliampereHours? { isMeasured ? snapshot.consumedCharge : nil }
    var timeToGo: Int? { isMeasured ? snapshot.timeToGo : nil }

    /// Voted status where the link is live.
    var status: StatusFlags? { freshness.isLive ? snapshot.permissions.union(snapshot.alarms) : nil }

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
