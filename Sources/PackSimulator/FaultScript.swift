import BMSCore

/// Provokes every alarm in turn, once per round, by means that a person at a bench has: a supply on one cell lifts it
/// over V-max, another pulls one under V-min, hot and cold air blow on a board, a wire between two boards is pulled.
/// Nothing is forced in the frame itself.
struct FaultScript: Sendable {
    /// Seconds of one round.
    static let round = 420

    /// The action in a part of the round.
    enum Phase: Sendable {
        case high, low, warm, cold, cut

        static func at(_ second: Int) -> Phase? {
            switch second % FaultScript.round {
            case 20..<100: .high
            case 130..<156: .low
            case 180..<240: .warm
            case 270..<330: .cold
            case 360..<400: .cut
            default: nil
            }
        }
    }

    /// Voltages at which the two supplies rest, and voltages that they go to.
    private let high: (home: Double, alarm: Double)
    private let low: (home: Double, alarm: Double)
    /// Kelvins by which hot and cold air must move a board of a pack at room temperature.
    private let warmth, chill: Double
    private let current: Double

    /// - Parameter ampereHours: capacity of a cell, Ah; the supplies can deliver 3 C.
    init(_ settings: BMSSettings, _ model: CellModel, ampereHours: Double, air: Double) {
        func volts(_ voltage: Millivolts, _ offset: Int) -> Double { Double(voltage.rawValue + offset) / 1000 }
        high = (volts(settings.thresholds.balance, -40), volts(settings.thresholds.maximum, 40))
        low = (volts(settings.thresholds.minimum, 80), volts(settings.thresholds.minimum, -40))
        // The margin beyond the setting is larger than the worst sensor error.
        warmth = model.temperatures.highest - air + 8
        chill = model.temperatures.discharge - air - 8
        current = 3 * ampereHours
    }

    /// Puts two cells at the voltages that their supplies hold.
    func prepare(_ pack: inout CellPack) {
        let last = pack.cells.count - 1
        pack.place(last, restingAt: high.home)
        pack.place(0, restingAt: low.home)
    }

    /// Acts on the pack for one second.
    ///
    /// - Returns: true while the chain of boards is cut.
    func act(on pack: inout CellPack, second: Int) -> Bool {
        let phase = Phase.at(second)
        let last = pack.cells.count - 1
        pack.cells[last].supply = BenchSupply(voltage: phase == .high ? high.alarm : high.home, limit: current)
        pack.cells[0].supply = BenchSupply(voltage: phase == .low ? low.alarm : low.home, limit: current)
        pack.cells[0].air = phase == .warm ? warmth : phase == .cold ? chill : 0
        return phase == .cut
    }
}
