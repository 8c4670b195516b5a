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
        func follow(_ cell: inout SteadyCell, _ place: CellPlace, _ extreme: Millivolts) {
            cell.step(to: place, at: report.now, isUrgent: isVoltageWrong) {
                report.reading(of: $0).map { abs($0.voltage.rawValue - extreme.rawValue) / Self.voltage }
            }
        }
        func follow(_ cell: inout SteadyCell, _ place: CellPlace, _ extreme: Millidegrees) {
            cell.step(to: place, at: report.now, isUrgent: isTemperatureWrong) {
                report.reading(of: $0).map { abs($0.temperature.rawValue - extreme.rawValue) / Self.temperature }
            }
        }
        follow(&lowest, live.lowestCell, live.lowestVoltage)
        follow(&highest, live.highestCell, live.highestVoltage)
        follow(&coldest, live.coldestCell, live.lowestTemperature)
        follow(&warmest, live.warmestCell, live.highestTemperature)
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

    /// - Parameter distance: whole counts between a cell and the extreme; `nil`: its reading is not known.
    mutating func step(
        to cell: CellPlace, at now: Timestamp, isUrgent: Bool, distance: (CellPlace) -> Int?
    ) {
        guard let shown, shown != cell, now >= shownAt else {
            if shown != cell { (self.shown, shownAt) = (cell, now) }
            passedAt = nil
            return
        }
        let counts = distance(shown) ?? 2
        guard counts > 1 else {
            passedAt = nil
            if isUrgent { (self.shown, shownAt) = (cell, now) }
            return
        }
        let since = min(passedAt ?? now, now)
        passedAt = since
        let hasStayed = now - shownAt >= (counts > 4 ? 0 : Self.stay)
        guard isUrgent || counts > 20 || (hasStayed && now - since >= Self.patience) else { return }
        (self.shown, shownAt, passedAt) = (cell, now, nil)
    }
}
