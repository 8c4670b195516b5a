public import HistoryData

/// A pack of 16 cells as a history sees it: days with sun and nights with load, noise, and the same numbers each time.
public struct PackYear {
    /// Seconds since 1970 at which the year begins: 2026-01-01.
    public static let start = 1_767_225_600

    private var random = SeededRandom(16)
    private var charge = 0.5
    private var counters = (in: 0.0, out: 0.0)
    private var day = 0
    private var lastTime: Double?
    /// Of each cell: its difference from the others, V.
    private let offsets: [Double]

    /// A year from its beginning.
    public init() {
        var random = SeededRandom(17)
        offsets = (0..<16).map { _ in Double.random(in: -0.006...0.006, using: &random) }
    }

    /// The next sample; times must rise.
    public mutating func sample(at time: Double) -> HistorySample {
        let seconds = time - (lastTime ?? time)
        lastTime = time
        let hour = (time / 3600).truncatingRemainder(dividingBy: 24)
        let sun = max(0, 1 - abs(hour - 13) / 5) * Double.random(in: 0.5...1, using: &random)
        let load = hour > 23 || hour < 5 ? 0 : Double.random(in: 3...12, using: &random)
        var current = 60 * sun - load
        if (charge >= 1 && current > 0) || (charge <= 0.1 && current < 0) { current = 0 }
        charge = min(1, max(0, charge + current * seconds / 3600 / 280))
        let voltage = 3.2 + 0.1 * charge + (charge > 0.97 ? (charge - 0.97) * 5 : 0) + current * 0.0004
        let cells = offsets.map { $0 + voltage + Double.random(in: -0.002...0.002, using: &random) }
        let temperatures = (0..<16).map { cell in 15 + sun * 6 + Double(cell % 4) + current.magnitude * 0.05 }
        let sum = cells.reduce(0, +)
        if Int(time) / 86_400 != day {
            day = Int(time) / 86_400
            counters = (0, 0)
        }
        counters.in += max(0, current) * sum * seconds / 3.6e6
        counters.out += max(0, -current) * sum * seconds / 3.6e6
        return HistorySample(
            time: time,
            values: [
                .soc: (charge * 100).rounded(), .voltage: sum, .current: current, .power: current * sum, .cvl: 55.2,
                .ccl: charge > 0.95 ? (60 * (1 - charge) / 0.05).rounded() : 60, .dcl: 140,
                .lowestCell: cells.min() ?? 0, .highestCell: cells.max() ?? 0,
                .lowestTemperature: temperatures.min() ?? 0, .highestTemperature: temperatures.max() ?? 0,
                .resistance: 14 + Double.random(in: -1...1, using: &random),
            ],
            energyIn: counters.in, energyOut: counters.out, chargeState: charge >= 1 ? "float" : "bulk",
            cells: cells.map { ($0 * 1000).rounded() / 1000 }, temperatures: temperatures)
    }

    /// A change of the charge limit.
    public mutating func change(at time: Double) -> LimitChange {
        let cell = Int.random(in: 1...16, using: &random)
        return LimitChange(
            time: time, limit: "ccl", value: Double(Int.random(in: 0...600, using: &random)) / 10, name: "highestCell",
            sentence: "cell \(cell) at 3.4\(cell + 10) V leads the pack: held at 3.441 V")
    }
}
