import BMSCore

// Numbers as reasons show them: fixed decimals, no binary noise, no Foundation.
extension Millivolts {
    /// "3.452 V"
    var inVolts: String { "\(rawValue.fixed(thousandths: 3)) V" }
    /// "55.20 V"
    var inPackVolts: String { "\(rawValue.fixed(thousandths: 2)) V" }
}

extension Milliamperes {
    /// "12.5 A"
    var inAmperes: String { "\(rawValue.fixed(thousandths: 1)) A" }
}

extension Millidegrees {
    /// "21.7 °C"
    var inDegrees: String { "\(rawValue.fixed(thousandths: 1)) °C" }
}

extension MilliampereHours {
    /// "280 Ah"
    var inAmpereHours: String { "\(rawValue.fixed(thousandths: 0)) Ah" }
}

extension Int {
    /// Thousandths with the given number of decimals, 0...3, rounded half away from zero: 3452 -> "3.45".
    func fixed(thousandths decimals: Int) -> String {
        let step = [1000, 100, 10, 1][Swift.min(Swift.max(decimals, 0), 3)]
        let rounded = (magnitude + UInt(step) / 2) / UInt(step)
        let scale = UInt(1000 / step)
        let sign = self < 0 && rounded != 0 ? "-" : ""
        guard scale > 1 else { return "\(sign)\(rounded)" }
        let fraction = String(rounded % scale)
        let zeros = String(repeating: "0", count: String(scale).count - 1 - fraction.count)
        return "\(sign)\(rounded / scale).\(zeros)\(fraction)"
    }
}
