import BMSCore

/// The cells with the extremes, as people see them.
///
/// In a healthy pack the lowest cell is another one with every second frame, by no more than noise. So a cell stays the lowest while it is
/// within one count of the lowest voltage. Up to four counts away it gives way after a minute, and after ten minutes in all; up to twenty,
/// after a minute; further away, and while the BMS reports a cell out of its range, at once.
struct SteadyCells: Sendable {
    private var lowest = SteadyCell()
    private var highest = SteadyCell()
    private var coldest = SteadyCell()
    private var warmest = SteadyCell()
    /// Cells and packs that are heard: with others, everything begins anew.
    private var heard: [Int] = []

    /// One count of the wire: mV, and thousandths of a degree.
    private static let voltage = 5
    private static let temperature = 1000

    /// Follows the live readings of a report.
    mutating func step(_ report: BatteryReport) {
        guard let live = report.readings else { return }
        let heard = [report.thresholds?.cellCount ?? 0, report.bank?.packs.count { $0.readings != nil } ?? 0]
        if heard != self.heard {
            self = SteadyCells()
            self.heard = heard
        }
        let alarms = report.status.alarms
        let (isVoltageWrong, isTemperatureWrong) = (
            !alarms.isDisjoint(with: [.cellTooLow, .cellTooHigh]), !alarms.isDisjoint(with: [.tooCold, .tooWarm])
        )
        func follow(
            _ cell: inout SteadyCell, to place: CellPlace, isUrgent: Bool, counts: (CellReading) -> Int
        ) {
            cell.step(to: place, at: report.now, isUrgent: isUrgent) { shown in
                guard let reading = report.reading(of: shown) else { return .missing }
                // Each frame has one cell: an older reading, under another load, says nothing of the extreme of now.
                return report.now - reading.time < 1_000 ? .counts(counts(reading)) : .old
            }
        }
        func voltage(_ cell: inout SteadyCell, to place: CellPlace, _ extreme: Millivolts) {
            follow(&cell, to: place, isUrgent: isVoltageWrong) {
                abs($0.voltage.rawValue - extreme.rawValue) / Self.voltage
            }
        }
        func temperature(_ cell: inout SteadyCell, to place: CellPlace, _ extreme: Millidegrees) {
            follow(&cell, to: place, isUrgent: isTemperatureWrong) {
                abs($0.temperature.rawValue - extreme.rawValue) / Self.temperature
            }
        }
        voltage(&lowest, to: live.lowestCell, live.lowestVoltage)
        voltage(&highest, to: live.highestCell, live.highestVoltage)
        temperature(&coldest, to: live.coldestCell, live.lowestTemperature)
        temperature(&warmest, to: live.warmestCell, live.highestTemperature)
    }

    /// Readings with these cells in place of those of the moment.
    func shown(_ readings: Readings) -> Readings {
        var shown = readings
        shown.lowestCell = lowest.shown ?? shown.lowestCell
        shown.highestCell = highest.shown ?? shown.highestCell
        shown.coldestCell = coldest.shown ?? shown.coldestCell
        shown.warmestCell = warmest.shown ?? shown.warmestCell
        return shown
    }
}

/// The cell with one extreme.
private struct SteadyCell: Sendable {
    /// Milliseconds for which another cell must be the extreme.
    private static let patience: Int64 = 60_000
    /// Milliseconds for which a cell stays at least, where it is not far from the extreme.
    private static let stay: Int64 = 600_000

    private(set) var shown: CellPlace?
    private var shownAt = Timestamp(milliseconds: 0)
    private var passedAt: Timestamp?

    /// Distance of a cell from the extreme.
    enum Distance {
        /// Whole counts, by a reading of now.
        case counts(Int)
        /// The reading is not of now.
        case old
        /// There is no reading.
        case missing
    }

    /// - Parameter distance: between the cell that is shown and the extreme.
    mutating func step(
        to cell: CellPlace, at now: Timestamp, isUrgent: Bool, distance: (CellPlace) -> Distance
    ) {
        guard let shown, shown != cell, !isUrgent, now >= shownAt else {
            if shown != cell { (self.shown, shownAt) = (cell, now) }
            passedAt = nil
            return
        }
        let counts: Int
        switch distance(shown) {
        case .old: return
        case .missing: counts = 2
        case .counts(let number): counts = number
        }
        guard counts > 1 else {
            passedAt = nil
            return
        }
        let since = min(passedAt ?? now, now)
        passedAt = since
        let hasStayed = now - shownAt >= (counts > 4 ? 0 : Self.stay)
        guard counts > 20 || (hasStayed && now - since >= Self.patience) else { return }
        (self.shown, shownAt, passedAt) = (cell, now, nil)
    }
}
