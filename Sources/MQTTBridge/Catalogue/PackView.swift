import BMSCore
import ChargeLimits

/// Everything that a row of the ``MetricCatalogue`` may look at, at one moment.
struct PackView {
    /// The pack by configuration.
    var options: PackOptions
    /// What is known of it.
    var snapshot: PackSnapshot
    /// How far that lies back.
    var freshness: Freshness
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
    var now: Timestamp

    /// The frame whose measurements may be shown as live; `nil` when they are stale or the cell boards are not heard.
    var live: Frame? {
        guard freshness.isLive, !snapshot.alarms.contains(.noCellCommunication) else { return nil }
        let measured = options.tracker.freshness.freshness(of: snapshot.measuredAt, at: now)
        return measured.isLive ? snapshot.frame : nil
    }

    /// The snapshot where its measurements may be shown as live.
    var liveSnapshot: PackSnapshot? { live == nil ? nil : snapshot }

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
    func cell(_ number: Int) -> CellReading? { live == nil ? nil : snapshot.reading(ofCell: number, at: now) }
}

extension PackSnapshot {
    /// Age of the data where it counts as live, ms; else 0.
    func dataAge(_ freshness: Freshness, at now: Timestamp) -> Int64 { freshness.isLive ? age(at: now) ?? 0 : 0 }
}
