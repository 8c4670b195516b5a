/// Rows of any level in, buckets of a plot out.
package struct Downsampler {
    private let range: PlotRange
    private let withCells: Bool
    private var buckets: [Bucket]

    package init(_ range: PlotRange, withCells: Bool) {
        self.range = range
        self.withCells = withCells
        buckets = Array(repeating: Bucket(), count: range.count)
    }

    /// Adds a row. One that is longer than a bucket fills all that it covers.
    ///
    /// - Parameter end: where rows with more detail begin.
    package mutating func add(_ bytes: [UInt8], at time: Int, _ level: HistoryLevel, before end: Int) {
        let first = max(0, time - range.start) / range.step
        let covered = min(time + level.rawValue, end, range.end) - 1 - range.start
        guard covered >= 0 else { return }
        for index in first...max(first, covered / range.step) where index < buckets.count {
            BucketCode.add(
                bytes, to: &buckets[index], weight: level.rawValue / HistoryLevel.samples.rawValue,
                withCells: withCells)
        }
    }

    private var times: [Double] { buckets.indices.map { Double(range.start + $0 * range.step) } }

    package func series(_ values: [HistoryValue]) -> HistorySeries {
        HistorySeries(
            from: Double(range.start), to: Double(range.end), step: Double(range.step), time: times,
            lines: values.map { value in
                let tallies = buckets.map { $0[value] }
                return HistorySeries.Line(
                    value: value, min: tallies.map { $0.count > 0 ? value.step.number($0.low) : nil },
                    mean: tallies.map { $0.mean.map(value.step.number) },
                    max: tallies.map { $0.count > 0 ? value.step.number($0.high) : nil })
            })
    }

    package var cells: HistoryCells {
        HistoryCells(
            time: times, step: Double(range.step), voltages: Self.columns(buckets.map(\.cellVoltages)),
            temperatures: Self.columns(buckets.map(\.cellTemperatures)))
    }

    private static func columns(_ rows: [[Double?]]) -> [[Double?]] {
        let count = rows.map(\.count).max() ?? 0
        return (0..<count).map { cell in rows.map { cell < $0.count ? $0[cell] : nil } }
    }
}

/// Hours and day records in, days or months out.
package struct PeriodSummary {
    private struct Period {
        var hours = Bucket()
        var record = DayRecord()
        var weakest: [Int: Int] = [:]
        /// Highest less lowest cell at rest, mV.
        var spread = Tally()
    }

    private let days: LocalDays
    private let isMonthly: Bool
    private var periods: [Int: Period] = [:]

    package init(_ days: LocalDays, isMonthly: Bool) {
        self.days = days
        self.isMonthly = isMonthly
    }

    /// Adds an hour, which belongs to the day in which it begins.
    package mutating func add(_ bytes: [UInt8], at time: Int) {
        BucketCode.add(
            bytes, to: &periods[key(days.day(time)), default: Period()].hours, weight: 1, withCells: false)
    }

    /// Adds the record of a day; to be called in the order of days.
    package mutating func add(_ record: DayRecord, day: Int) {
        let key = key(day)
        var period = periods[key] ?? Period()
        if let cell = record.weakestCell { period.weakest[cell, default: 0] += 1 }
        if !record.rest.isEmpty { period.record.rest = record.rest }
        let rest = record.rest.compactMap { $0 }
        if let low = rest.min(), let high = rest.max() {
            period.spread.merge(Tally(count: 1, sum: high - low, low: high - low, high: high - low))
        }
        if !record.full.isEmpty { period.record.full = record.full }
        periods[key] = period
    }

    private func key(_ day: Int) -> Int { isMonthly ? LocalDays.firstOfMonth(day) : day }

    /// The periods in which something is known, in their order.
    package var periodsInOrder: [HistoryPeriod] {
        periods.sorted { $0.key < $1.key }.map { key, period in
            let hours = period.hours
            return HistoryPeriod(
                time: Double(days.start(key)), date: LocalDays.text(key),
                energyIn: hours.knowsEnergy ? Step.thousandths.number(hours.energyIn) : nil,
                energyOut: hours.knowsEnergy ? Step.thousandths.number(hours.energyOut) : nil,
                resistance: hours[.resistance].mean.map(HistoryValue.resistance.step.number),
                spread: period.spread.mean.map(Step.thousandths.number),
                weakestCell: period.weakest.max { ($0.value, $1.key) < ($1.value, $0.key) }?.key,
                atRest: period.record.cellsAtRest, atFull: period.record.cellsAtFull)
        }
    }
}
