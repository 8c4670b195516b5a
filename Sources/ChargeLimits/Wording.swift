import BMSCore

// Numbers as reasons show them.
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
    /// "280 Ah", "100.4 Ah"
    var inAmpereHours: String { "\(rawValue.fixed(thousandths: (rawValue + 50) / 100 % 10 == 0 ? 0 : 1)) Ah" }
}

extension Int {
    /// Thousandths with the given number of decimals.
    func fixed(thousandths decimals: Int) -> String { FixedPoint.text(thousandths: self, decimals: decimals) }
}
