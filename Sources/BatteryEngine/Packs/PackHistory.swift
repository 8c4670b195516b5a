import BMSCore
import ChargeLimits

/// Values of a pack over a longer time: extremes, energy, link quality, counters.
struct PackHistory: Sendable {
    private(set) var peaks: CellVoltageExtremes
    private(set) var totals = EnergyTotals()
    private(set) var range: LimitRange?
    var counts = PackCounters()
    private var quality = LinkQuality()
    /// ``PackSnapshot/framesMeasured`` as of the last step: each measurement is recorded once.
    private var framesRecorded = 0
    /// Time of the last measurement in the energy counters and the link quality.
    private var countedAt: Timestamp?
    /// Shortest time between two of these measurements, ms: five frames of a flood confirm no counter, and make no good link.
    private static let spacing: Int64 = 500

    init(_ peaks: CellVoltageExtremes) { self.peaks = peaks }

    /// Records limits that may be published.
    mutating func record(_ limits: Limits) {
        if range == nil { range = LimitRange(limits) } else { range?.note(limits) }
    }

    /// Records a measurement that is new.
    mutating func record(_ snapshot: PackSnapshot, _ limits: Limits?, at now: Timestamp) {
        guard snapshot.framesMeasured != framesRecorded, let measured = snapshot.measurements,
            let settings = snapshot.settings
        else { return }
        framesRecorded = snapshot.framesMeasured
        peaks.note(measured, balance: settings.balanceVoltage, limits)
        if let countedAt, (0..<Self.spacing).contains(now - countedAt) { return }
        countedAt = now
        totals.note(measured)
        quality.note(at: now)
    }

    /// Good frames in the last minute, percent; `nil` in the first minute.
    func linkQuality(at now: Timestamp) -> Int? { quality.percent(at: now) }

    /// The values for a report.
    func figures(secondsSinceFull: Int64?) -> HistoryFigures {
        var figures = HistoryFigures()
        (figures.totals, figures.peaks, figures.secondsSinceFull) = (totals, peaks, secondsSinceFull)
        return figures
    }

    /// Forgets the extremes of the cells.
    mutating func clearPeaks() { peaks.clear() }

    /// Forgets the range of the limits.
    mutating func clearRange() { range = nil }

    /// Prepares for another decoder, whose frames may be another pack's.
    mutating func sourceReplaced() { (framesRecorded, quality) = (0, LinkQuality()) }
}
