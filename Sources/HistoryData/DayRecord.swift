/// What is kept of a day beside its hours: the cells at rest and at full, and the weakest cell.
package struct DayRecord: Hashable, Sendable {
    /// Seconds without current before ``rest`` was read.
    var restSeconds = 0
    /// Voltages of the cells after the longest rest, mV.
    var rest: [Int?] = []
    /// Voltages of the cells at full, when they were highest together, mV.
    var full: [Int?] = []
    /// The lowest cell voltage of the day, mV, and the number of that cell, from 1.
    var lowest: Int?
    var weakest = 0

    package init() {}

    package var weakestCell: Int? { lowest == nil ? nil : weakest }
    package var cellsAtRest: [Double?]? { Self.volts(rest) }
    package var cellsAtFull: [Double?]? { Self.volts(full) }

    private static func volts(_ cells: [Int?]) -> [Double?]? {
        cells.isEmpty ? nil : cells.map { $0.map(Step.thousandths.number) }
    }

    package mutating func merge(_ other: DayRecord) {
        if other.restSeconds > restSeconds { (restSeconds, rest) = (other.restSeconds, other.rest) }
        if Self.sum(other.full) > Self.sum(full) { full = other.full }
        if let low = other.lowest, lowest.map({ low < $0 }) != false { (lowest, weakest) = (low, other.weakest) }
    }

    /// The sum of the known voltages.
    private static func sum(_ cells: [Int?]) -> Int { cells.reduce(0) { $0 + ($1 ?? 0) } }

    package var bytes: [UInt8] {
        var writer = ByteWriter()
        writer.unsigned(restSeconds)
        writer.list(rest)
        writer.list(full)
        writer.signed(lowest ?? 0)
        writer.unsigned(lowest == nil ? 0 : weakest)
        return writer.bytes
    }

    /// The record of bytes; `nil`: they are damaged.
    package init?(_ bytes: [UInt8]) {
        var reader = ByteReader(bytes)
        guard let seconds = reader.unsigned(), let rest = reader.list(), let full = reader.list(),
            let lowest = reader.signed(), let weakest = reader.unsigned(), weakest <= Bucket.mostCells
        else { return nil }
        (restSeconds, self.rest, self.full) = (seconds, rest, full)
        (self.lowest, self.weakest) = (weakest == 0 ? nil : lowest, weakest)
    }
}

/// Watches one battery for what a ``DayRecord`` holds.
struct DayWatch: Hashable, Sendable {
    /// Amperes below which a battery rests: the bridge's own "idle".
    private static let restCurrent = 0.5
    /// Seconds after which the voltage of a cell at rest tells something.
    private static let leastRest = 1800
    /// Seconds without a sample after which nobody knows whether it rested.
    private static let longestGap = 600.0

    private var restSince: Double?
    private var lastTime = 0.0
    private var day = 0
    private var record = DayRecord()

    /// Takes a sample.
    ///
    /// - Returns: the record of the day where it has changed.
    mutating func take(_ sample: HistorySample, day: Int) -> DayRecord? {
        let rests = sample.values[.current].map { abs($0) <= Self.restCurrent }
        if sample.time < lastTime || sample.time > lastTime + Self.longestGap || rests == false { restSince = nil }
        if rests == true, restSince == nil { restSince = sample.time }
        lastTime = sample.time
        if day != self.day { (self.day, record) = (day, DayRecord()) }
        let cells = sample.cells.prefix(Bucket.mostCells).map(Step.thousandths.whole)
        guard cells.contains(where: { $0 != nil }) else { return nil }
        var now = DayRecord()
        // Only a rest of twice the length is worth writing again.
        let rest = Int(restSince.map { sample.time - $0 } ?? 0)
        if rest >= max(Self.leastRest, record.restSeconds * 2) { (now.restSeconds, now.rest) = (rest, cells) }
        if sample.isFull { now.full = cells }
        for (index, cell) in cells.enumerated() {
            if let cell, now.lowest.map({ cell < $0 }) != false { (now.lowest, now.weakest) = (cell, index + 1) }
        }
        let before = record
        record.merge(now)
        return record == before ? nil : record
    }
}
