public import BMSCore

/// The reason why there is no switch setting for a request. The text names the allowed values and the nearest one.
public enum OptionSwitchError: Error, Hashable, Sendable {
    /// No such number of cells.
    case cells(Int)
    /// No such balance voltage on this generation.
    case balance(Millivolts, Generation)
    /// This generation cannot switch balancing off.
    case alwaysBalances(Generation)
    /// No such current sensor on generation 2.
    case sensor(Int)
}

extension OptionSwitchError {
    /// The nearest allowed value, in the unit of the refused value (cells, mV, A); of two, the lower.
    public var nearest: Int? {
        switch self {
        case .cells(let cells): min(max(cells, 2), 255)
        case .balance(let voltage, let generation):
            nearest(to: voltage.rawValue, among: generation.balanceVoltages.map(\.rawValue))
        case .alwaysBalances: nil
        case .sensor(let amperes): nearest(to: amperes, among: OptionSwitches.sensors)
        }
    }

    private func nearest(to value: Int, among allowed: [Int]) -> Int? {
        // Clamped first: the distance to a wild number would overflow.
        let value = min(max(value, 0), 1_000_000)
        return allowed.min { abs($0 - value) < abs($1 - value) }
    }
}

extension OptionSwitchError: CustomStringConvertible {
    /// A text for people: the value asked for, the allowed values, and the value to take.
    public var description: String {
        switch self {
        case .cells(let cells):
            "\(cells) cells: a 123\\SmartBMS has 2 to 255; the nearest is \(nearest ?? 2)"
        case .balance(let voltage, let generation):
            "balance voltage \(voltage.volts): generation \(generation.rawValue) has \(generation.balanceText); "
                + "the nearest is \(Millivolts(nearest ?? 0).volts)"
        case .alwaysBalances(let generation):
            "no balancing: generation \(generation.rawValue) has no such switch setting; choose one of "
                + "\(generation.balanceText)"
        case .sensor(let amperes):
            "current sensor of \(amperes) A: generation 2 has "
                + "\(OptionSwitches.sensors.map { "\($0)" }.joined(separator: ", ")) A; "
                + "the nearest is \(nearest ?? 100) A"
        }
    }
}

extension Millivolts {
    /// The voltage as the manuals print it: "3.4 V", with more decimals where there are any.
    var volts: String {
        let decimals = rawValue % 100 == 0 ? 1 : rawValue % 10 == 0 ? 2 : 3
        return FixedPoint.text(thousandths: rawValue, decimals: decimals) + " V"
    }
}
