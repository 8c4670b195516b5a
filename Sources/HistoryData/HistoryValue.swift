/// The values that are kept. The file knows each by its number: new ones go to the end.
public enum HistoryValue: Int, CaseIterable, Sendable {
    /// State of charge, %, in tenths.
    case soc
    /// Pack voltage, V, in mV.
    case voltage
    /// Current, A, in hundredths; positive charges.
    case current
    /// Power, W.
    case power
    /// Charge voltage limit, V, in hundredths.
    case cvl
    /// Charge current limit, A, in tenths.
    case ccl
    /// Discharge current limit, A, in tenths.
    case dcl
    /// Lowest cell voltage, V, in mV.
    case lowestCell
    /// Highest cell voltage, V, in mV.
    case highestCell
    /// Lowest temperature, °C, in tenths.
    case lowestTemperature
    /// Highest temperature, °C, in tenths.
    case highestTemperature
    /// Internal resistance, mΩ, in hundredths.
    case resistance

    /// The name that programs use.
    public var name: String {
        switch self {
        case .soc: "soc"
        case .voltage: "voltage"
        case .current: "current"
        case .power: "power"
        case .cvl: "cvl"
        case .ccl: "ccl"
        case .dcl: "dcl"
        case .lowestCell: "cell_min"
        case .highestCell: "cell_max"
        case .lowestTemperature: "temperature_min"
        case .highestTemperature: "temperature_max"
        case .resistance: "resistance"
        }
    }

    /// The value of a name; `nil`: there is none.
    public init?(name: some StringProtocol) {
        guard let value = Self.allCases.first(where: { $0.name == name }) else { return nil }
        self = value
    }

    /// How a number of this kind is stored.
    var step: Step {
        switch self {
        case .voltage, .lowestCell, .highestCell: .thousandths
        case .current, .cvl, .resistance: .hundredths
        case .soc, .ccl, .dcl, .lowestTemperature, .highestTemperature: .tenths
        case .power: .ones
        }
    }
}

/// Numbers are stored as whole multiples of a step.
enum Step: Int {
    case ones = 1
    case tenths = 10
    case hundredths = 100
    case thousandths = 1000

    /// The nearest multiple; `nil`: it is no number, or none that a battery could have.
    func whole(_ number: Double?) -> Int? {
        guard let number else { return nil }
        let scaled = (number * Double(rawValue)).rounded()
        return abs(scaled) <= Double(Int32.max) ? Int(scaled) : nil
    }

    func number(_ whole: Int) -> Double { Double(whole) / Double(rawValue) }

    /// The number with all its decimals.
    func text(_ whole: Int) -> String {
        guard rawValue > 1 else { return String(whole) }
        let (ones, rest) = whole.magnitude.quotientAndRemainder(dividingBy: UInt(rawValue))
        let decimals = String(UInt(rawValue) + rest).dropFirst()
        return "\(whole < 0 ? "-" : "")\(ones).\(decimals)"
    }
}
