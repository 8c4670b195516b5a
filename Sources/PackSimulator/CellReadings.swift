import BMSCore
import SmartBMS

/// Readings of the boards: voltages in counts of 5 mV, temperatures in counts of the wire, with each board's own error.
struct CellReadings: Sendable {
    /// A reading and the number of its cell, from 1.
    struct Extreme: Sendable {
        var counts = 0
        var cell = 1
    }

    static let voltsPerCount = 0.005

    private(set) var voltages: [Int]
    private(set) var temperatures: [Int]
    private(set) var lowest = Extreme()
    private(set) var highest = Extreme()
    private(set) var coldest = Extreme()
    private(set) var hottest = Extreme()
    /// Sum of ``voltages``.
    private(set) var total = 0

    init(cells: Int) {
        voltages = Array(repeating: 0, count: cells)
        temperatures = voltages
    }

    /// Pack voltage as the BMS adds it up, V.
    var packVolts: Double { Double(total) * Self.voltsPerCount }

    /// Reads every board.
    mutating func sample(_ cells: [Cell], random: inout SplitMix64) {
        total = 0
        for index in cells.indices {
            let volts = cells[index].voltage + cells[index].voltageOffset + random.bell(0.0008)
            // A board reports nothing below zero, and the field ends at 65535.
            voltages[index] = nearest(min(max(volts / Self.voltsPerCount, 0), 65_535))
            temperatures[index] =
                BMSSettings.raw(cells[index].boardTemperature + cells[index].temperatureOffset).count
            total += voltages[index]
        }
        (lowest, highest) = Self.extremes(voltages)
        (coldest, hottest) = Self.extremes(temperatures)
    }

    private static func extremes(_ counts: [Int]) -> (low: Extreme, high: Extreme) {
        var low = Extreme(counts: .max)
        var high = Extreme(counts: .min)
        for index in counts.indices {
            if counts[index] < low.counts { low = Extreme(counts: counts[index], cell: index + 1) }
            if counts[index] > high.counts { high = Extreme(counts: counts[index], cell: index + 1) }
        }
        return (low, high)
    }
}
