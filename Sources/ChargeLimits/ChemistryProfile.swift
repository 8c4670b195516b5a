import BMSCore

/// Defaults of a chemistry. Sources: the vendor's manuals (head), public cell and rack data sheets (C rates,
/// temperature curves), two peers and our bench (soft cap, hold, resistance).
struct ChemistryProfile: Sendable {
    /// Target of the charge voltage above Vbalance, per cell. Manuals: 25...40 mV for LFP.
    var head: Millivolts
    /// Where feedback on the highest cell begins, above Vbalance.
    var soft: Millivolts
    /// Resting voltage after full, below Vbalance.
    var floatBelow: Millivolts
    /// Charge current in thousandths of the capacity per hour.
    var chargeRate: Int
    /// Discharge current in thousandths of the capacity per hour.
    var dischargeRate: Int
    /// Where discharge tapers to nothing, above Vmin, per cell.
    var hold: Millivolts
    /// Cell resistance with diffusion, on the high side: milliohm x ampere-hour.
    var resistance: Double
    /// Charge current against the coldest (below 25 degC) and the warmest cell.
    var charge: TemperatureCurve
    /// Discharge current, likewise.
    var discharge: TemperatureCurve

    static func of(_ chemistry: Chemistry?) -> ChemistryProfile {
        switch chemistry {
        case .lfp: lfp
        case .nmc, .nca: nmc
        case .lto: lto
        case nil: unknown
        }
    }

    private static let lfp = ChemistryProfile(
        head: Millivolts(30), soft: Millivolts(42), floatBelow: Millivolts(30), chargeRate: 500, dischargeRate: 1000,
        hold: Millivolts(80), resistance: 160,
        charge: TemperatureCurve([(0, 0), (1, 50), (5, 100), (10, 250), (15, 500), (45, 500), (50, 120), (55, 0)]),
        discharge: TemperatureCurve([(-20, 0), (-15, 200), (0, 500), (10, 1000), (50, 1000), (58, 0)]))

    private static let nmc = ChemistryProfile(
        head: Millivolts(20), soft: Millivolts(35), floatBelow: Millivolts(50), chargeRate: 500, dischargeRate: 1000,
        hold: Millivolts(50), resistance: 220,
        charge: TemperatureCurve([(0, 0), (2, 50), (10, 200), (15, 500), (40, 500), (45, 200), (50, 0)]),
        discharge: TemperatureCurve([(-20, 0), (-10, 200), (0, 500), (10, 1000), (45, 1000), (60, 0)]))

    private static let lto = ChemistryProfile(
        head: Millivolts(20), soft: Millivolts(35), floatBelow: Millivolts(50), chargeRate: 1000, dischargeRate: 1000,
        hold: Millivolts(30), resistance: 80,
        charge: TemperatureCurve([(-20, 0), (-10, 200), (0, 500), (10, 1000), (45, 1000), (60, 0)]),
        discharge: TemperatureCurve([(-30, 0), (-20, 300), (0, 1000), (50, 1000), (60, 0)]))

    /// Thresholds that fit no chemistry: the most careful figure of each row, and gentle currents.
    private static let unknown = ChemistryProfile(
        head: Millivolts(20), soft: Millivolts(35), floatBelow: Millivolts(50), chargeRate: 200, dischargeRate: 500,
        hold: Millivolts(80), resistance: 220, charge: nmc.charge, discharge: nmc.discharge)
}

/// Current against temperature: straight lines between points, flat outside them.
struct TemperatureCurve: Sendable {
    private struct Point: Sendable {
        var temperature: Int
        var rate: Int
    }

    private let points: [Point]

    /// Points as whole degrees Celsius and thousandths of the capacity per hour, by rising temperature.
    init(_ points: [(Int, Int)]) {
        self.points = points.map { Point(temperature: $0.0 * 1000, rate: $0.1) }
    }

    private init(points: [Point]) { self.points = points }

    /// Thousandths of the capacity per hour at a temperature.
    func rate(at temperature: Millidegrees) -> Int {
        guard let first = points.first, let last = points.last else { return 0 }
        if temperature.rawValue <= first.temperature { return first.rate }
        for (low, high) in zip(points, points.dropFirst()) where temperature.rawValue <= high.temperature {
            let share = temperature.rawValue - low.temperature
            return low.rate + (high.rate - low.rate) * share / (high.temperature - low.temperature)
        }
        return last.rate
    }

    /// The curve inside the window that the BMS has: zero at Tmin and from 1 K below Tmax on, so that the taper and
    /// not the relay ends the current.
    func within(_ minimum: Millidegrees?, _ maximum: Millidegrees) -> TemperatureCurve {
        guard let first = points.first, let last = points.last else { return self }
        let low = max(first.temperature, minimum?.rawValue ?? first.temperature)
        let high = min(last.temperature, maximum.rawValue - 1000)
        guard low < high else { return TemperatureCurve([(0, 0)]) }
        let inner = points.filter { $0.temperature > low + 900 && $0.temperature < high - 1000 }
        return TemperatureCurve(
            points: [Point(temperature: low, rate: 0)] + inner + [Point(temperature: high, rate: 0)])
    }
}
