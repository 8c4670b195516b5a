public import HistoryData

/// Questions. Times are in seconds since 1970, ends excluded. A battery that is unknown gives an empty answer. All throw a
/// ``HistoryFailure`` while the file cannot be read.
extension History {
    /// The largest number of changes or events in an answer: the newest.
    public static let mostLines = 5_000

    /// Lowest, mean and highest of some values over time.
    ///
    /// - Parameter points: see ``PlotRange``.
    public func series(
        _ battery: String, _ values: [HistoryValue], from: Double, to: Double, points: Int
    ) throws(HistoryFailure) -> HistorySeries {
        let range = PlotRange(from: from, to: to, points: points)
        return try read { reader throws(HistoryFailure) in
            try reader.plot(battery, range, withCells: false).series(values)
        }
    }

    /// Mean voltages and temperatures of the cells over time.
    public func cells(
        _ battery: String, from: Double, to: Double, points: Int
    ) throws(HistoryFailure) -> HistoryCells {
        let range = PlotRange(from: from, to: to, points: points)
        return try read { reader throws(HistoryFailure) in try reader.plot(battery, range, withCells: true).cells }
    }

    /// The days that touch a time, in their order.
    public func days(_ battery: String, from: Double, to: Double) throws(HistoryFailure) -> [HistoryPeriod] {
        try periods(battery, from, to, isMonthly: false)
    }

    /// The months that touch a time, in their order; by default all of them.
    public func months(
        _ battery: String, from: Double = 0, to: Double = .infinity
    ) throws(HistoryFailure) -> [HistoryPeriod] {
        try periods(battery, from, to, isMonthly: true)
    }

    /// Changes of limits in their order, ``mostLines`` at most, and before them the last one of each limit.
    public func changes(_ battery: String, from: Double, to: Double) throws(HistoryFailure) -> [LimitChange] {
        try read { reader throws(HistoryFailure) in
            try reader.changes(
                battery, from: PlotRange.second(from), to: PlotRange.second(to), most: Self.mostLines)
        }
    }

    /// Events in their order, ``mostLines`` at most.
    public func events(_ battery: String, from: Double, to: Double) throws(HistoryFailure) -> [HistoryEvent] {
        try read { reader throws(HistoryFailure) in
            try reader.events(battery, from: PlotRange.second(from), to: PlotRange.second(to), most: Self.mostLines)
        }
    }

    /// The batteries of the history, by their ids.
    public func batteries() throws(HistoryFailure) -> [HistoryBattery] {
        try read { reader throws(HistoryFailure) in try reader.batteries() }
    }

    /// Everything of one level as lines of a CSV file, read in parts while it is iterated.
    public func export(_ battery: String, from: Double, to: Double, level: HistoryLevel) -> HistoryExport {
        HistoryExport(self, battery, level, PlotRange.second(from), PlotRange.second(to))
    }

    /// The time that an export of one level leaves out because only rows with less detail are kept of it; `nil`: none.
    public func gap(
        _ battery: String, from: Double, to: Double, level: HistoryLevel
    ) throws(HistoryFailure) -> HistoryGap? {
        try read { reader throws(HistoryFailure) in
            try reader.gap(battery, level, from: PlotRange.second(from), to: PlotRange.second(to))
        }
    }

    private func periods(
        _ battery: String, _ from: Double, _ to: Double, isMonthly: Bool
    ) throws(HistoryFailure) -> [HistoryPeriod] {
        try read { reader throws(HistoryFailure) in
            try reader.periods(
                battery, from: PlotRange.second(from), to: PlotRange.second(to), isMonthly: isMonthly)
        }
    }
}

/// A time of which a level has no rows, and a level with less detail has some.
public struct HistoryGap: Hashable, Sendable {
    /// Time of the first row of the level, seconds since 1970; `nil`: it has none.
    public var end: Int?
    /// The level that has more.
    public var coarser: HistoryLevel
}

/// Lines of a CSV file without their ends: the names, then a line for each row. If the file cannot be read on, the last line begins
/// with "#" and says why.
public struct HistoryExport: Sequence, IteratorProtocol, Sendable {
    /// Rows that are in memory at a time.
    private static let chunk = 500

    private let history: History
    private let battery: String
    private let level: HistoryLevel
    private let end: Int
    private var position: Int
    private var format: CSVRows?
    private var lines: [String] = []
    private var isOver = false

    init(_ history: History, _ battery: String, _ level: HistoryLevel, _ start: Int, _ end: Int) {
        self.history = history
        self.battery = battery
        self.level = level
        self.end = end
        position = level.start(start)
    }

    /// The next line; `nil` after the last.
    public mutating func next() -> String? {
        if lines.isEmpty, !isOver { fill() }
        return lines.popLast()
    }

    private mutating func fill() {
        do throws(HistoryFailure) {
            let known = format
            let (format, rows) = try history.read { reader throws(HistoryFailure) in
                try reader.chunk(battery, level, from: position, to: end, format: known, most: Self.chunk)
            }
            lines = rows.map { format.line($0.data, at: $0.time) }
            if known == nil { lines.insert(format.header, at: 0) }
            self.format = format
            isOver = rows.count < Self.chunk
            position = (rows.last?.time ?? end) + level.rawValue
        } catch {
            lines = ["# the rest is missing: \(error)"]
            isOver = true
        }
        lines.reverse()
    }
}
