public import BMSCore

/// A temperature as the BMS counts it.
public struct RawTemperature: Hashable, Comparable, Sendable {
    /// Counts, 0...65535.
    public let count: Int
    /// Wraps counts of the wire; a count beyond the range is cut to the nearest one in it.
    public init(_ count: Int) { self.count = min(max(count, 0), 65_535) }
    /// Order by temperature.
    public static func < (left: Self, right: Self) -> Bool { left.count < right.count }
}

/// The rule by which counts become degrees.
///
/// The vendor's paper says 1 degC per count with 276 as freezing point; the vendor's driver and phone app use
/// 0.857 x count - 232, and reference sensors agree with them near room temperature. `measured` is the default.
public enum TemperatureScale: String, Sendable, CaseIterable {
    /// 0.857 degC per count, -232 degC at count 0: 271 is 0.247 degC.
    case measured
    /// The paper's rule: 1 degC per count, 276 is 0 degC.
    case paper

    /// Degrees of a count, exact in thousandths.
    public func temperature(_ raw: RawTemperature) -> Millidegrees {
        switch self {
        case .measured: Millidegrees(raw.count * 857 - 232_000)
        case .paper: Millidegrees((raw.count - 276) * 1000)
        }
    }

    /// The count that lies nearest to a temperature, 0...65535.
    public func count(_ temperature: Millidegrees) -> RawTemperature {
        let count =
            switch self {
            case .measured: (temperature.rawValue + 232_000 + 428).quotient(floor: 857)
            case .paper: (temperature.rawValue + 500).quotient(floor: 1000) + 276
            }
        return RawTemperature(count)
    }
}

extension Int {
    /// Division that rounds down, also below zero.
    func quotient(floor divisor: Int) -> Int {
        let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? quotient - 1 : quotient
    }
}
