/// Lowest, mean and highest of whole numbers.
struct Tally: Hashable, Sendable {
    var count = 0
    var sum = 0
    var low = 0
    var high = 0

    mutating func merge(_ other: Tally) {
        guard other.count > 0 else { return }
        low = count > 0 ? min(low, other.low) : other.low
        high = count > 0 ? max(high, other.high) : other.high
        count += other.count
        sum += other.sum
    }

    /// The rounded mean; `nil`: nothing is known.
    var mean: Int? {
        guard count > 0 else { return nil }
        return (sum >= 0 ? sum + count / 2 : sum - count / 2) / count
    }
}

/// What is known of a battery over some time. Two buckets of one time are merged, in any order: so a clock that was set back, a restart
/// within a minute and a second try of a failed commit neither lose anything nor count it twice.
package struct Bucket: Hashable, Sendable {
    /// The largest number of cells.
    static let mostCells = 255

    /// Number of samples, or of minutes in an hour.
    package var count = 0
    var values = [Tally](repeating: Tally(), count: HistoryValue.allCases.count)
    /// Energy in this time, Wh; 0 where nothing is known of any.
    package var energyIn = 0
    package var energyOut = 0
    /// The counters of energy were read in this time: 0 Wh is a fact then.
    var knowsEnergy = false
    var cells: [Tally] = []
    var temperatures: [Tally] = []

    package init() {}

    /// Adds one sample; what is not a number counts as unknown.
    mutating func add(_ sample: HistorySample, energyIn: Int?, energyOut: Int?) {
        count += 1
        for (value, number) in sample.values { Self.add(value.step.whole(number), to: &values[value.rawValue]) }
        self.energyIn += energyIn ?? 0
        self.energyOut += energyOut ?? 0
        knowsEnergy = knowsEnergy || energyIn != nil || energyOut != nil
        Self.add(sample.cells, .thousandths, to: &cells)
        Self.add(sample.temperatures, .tenths, to: &temperatures)
    }

    package mutating func merge(_ other: Bucket) {
        count += other.count
        for index in values.indices { values[index].merge(other.values[index]) }
        energyIn += other.energyIn
        energyOut += other.energyOut
        knowsEnergy = knowsEnergy || other.knowsEnergy
        for (index, tally) in other.cells.enumerated() { Self.merge(tally, index, into: &cells) }
        for (index, tally) in other.temperatures.enumerated() { Self.merge(tally, index, into: &temperatures) }
    }

    static func merge(_ tally: Tally, _ index: Int, into list: inout [Tally]) {
        guard index < mostCells else { return }
        while list.count <= index { list.append(Tally()) }
        list[index].merge(tally)
    }

    private static func add(_ numbers: [Double?], _ step: Step, to list: inout [Tally]) {
        for (index, number) in numbers.prefix(mostCells).enumerated() {
            var tally = Tally()
            add(step.whole(number), to: &tally)
            merge(tally, index, into: &list)
        }
    }

    private static func add(_ whole: Int?, to tally: inout Tally) {
        guard let whole else { return }
        tally.merge(Tally(count: 1, sum: whole, low: whole, high: whole))
    }

    subscript(value: HistoryValue) -> Tally { values[value.rawValue] }

    /// Mean of the cells' voltages, V.
    package var cellVoltages: [Double?] { cells.map { $0.mean.map(Step.thousandths.number) } }
    /// Mean of the cells' temperatures, °C.
    package var cellTemperatures: [Double?] { temperatures.map { $0.mean.map(Step.tenths.number) } }
}
