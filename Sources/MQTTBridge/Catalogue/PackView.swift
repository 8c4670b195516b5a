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
    /// What this bridge remembers.
    var history: PackHistory
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

    /// Keys, where the link is live.
    var keys: KeyValues? { freshness.isLive ? snapshot.keys : nil }

    /// Live reading of a cell, from 1.
    func cell(_ number: Int) -> CellReading? { live == nil ? nil : snapshot.reading(ofCell: number, at: now) }
}

/// What this bridge remembers of a pack since it started.
struct PackHistory: Hashable, Sendable {
    /// Lowest cell voltage seen.
    var minimumCell: Millivolts?
    /// Highest cell voltage seen.
    var maximumCell: Millivolts?
    /// When the pack was last full.
    var fullAt: Timestamp?

    /// Forgets the extremes.
    mutating func clearPeaks() {
        minimumCell = nil
        maximumCell = nil
    }

    mutating func note(_ frame: Frame, _ limits: Limits?, at now: Timestamp) {
        minimumCell = min(minimumCell ?? frame.lowestVoltage, frame.lowestVoltage)
        maximumCell = max(maximumCell ?? frame.highestVoltage, frame.highestVoltage)
        if limits?.state == .full { fullAt = now }
    }
}
