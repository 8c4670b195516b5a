/// Decimal text of integers: fixed decimals, no binary noise, no Foundation, never "-0".
public enum FixedPoint {
    /// Thousandths with 0...3 decimals, rounded half away from zero: (3452, 2) is "3.45".
    public static func text(thousandths: Int, decimals: Int) -> String {
        var bytes: [UInt8] = []
        append(thousandths: thousandths, decimals: decimals, to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Appends thousandths with 0...3 decimals to a document, rounded half away from zero.
    public static func append(thousandths: Int, decimals: Int, to bytes: inout [UInt8]) {
        // Constant divisors become multiplications: the documents of one second have a few hundred numbers.
        let magnitude = thousandths.magnitude
        let rounded =
            switch decimals {
            case ...0: (magnitude + 500) / 1000
            case 1: (magnitude + 50) / 100
            case 2: (magnitude + 5) / 10
            default: magnitude
            }
        if thousandths < 0 && rounded != 0 { bytes.append(UInt8(ascii: "-")) }
        switch decimals {
        case ...0: append(magnitude: rounded, to: &bytes)
        case 1:
            append(magnitude: rounded / 10, to: &bytes)
            bytes.append(UInt8(ascii: "."))
        case 2:
            append(magnitude: rounded / 100, to: &bytes)
            bytes.append(UInt8(ascii: "."))
            append(digit: rounded / 10, to: &bytes)
        default:
            append(magnitude: rounded / 1000, to: &bytes)
            bytes.append(UInt8(ascii: "."))
            append(digit: rounded / 100, to: &bytes)
            append(digit: rounded / 10, to: &bytes)
        }
        if decimals > 0 { append(digit: rounded, to: &bytes) }
    }

    /// Appends a whole number to a document.
    public static func append(_ number: Int, to bytes: inout [UInt8]) {
        if number < 0 { bytes.append(UInt8(ascii: "-")) }
        append(magnitude: number.magnitude, to: &bytes)
    }

    private static func append(magnitude: UInt, to bytes: inout [UInt8]) {
        if magnitude >= 10 { append(magnitude: magnitude / 10, to: &bytes) }
        append(digit: magnitude, to: &bytes)
    }

    /// Appends the last digit of a number.
    private static func append(digit number: UInt, to bytes: inout [UInt8]) {
        bytes.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: number % 10))
    }

    /// The text is a number with a comma before its decimals.
    public static func hasDecimalComma(_ text: String) -> Bool {
        text.contains(",") && thousandths(String(text.map { $0 == "," ? "." : $0 })) != nil
    }

    /// Thousandths of a plain decimal number; `nil` where the text is not one. The result is exact: no binary fraction is involved. The
    /// text has up to nine digits, then up to three decimals; no exponent, no sign but a minus, no white space.
    public static func thousandths(_ text: String) -> Int? {
        let isNegative = text.hasPrefix("-")
        let parts = text.drop { $0 == "-" }.split(separator: ".", omittingEmptySubsequences: false)
        guard text.count - (isNegative ? 1 : 0) == parts.joined(separator: ".").count, (1...2).contains(parts.count),
            (1...9).contains(parts[0].count), parts[0].allSatisfy(isDigit)
        else { return nil }
        var fraction = parts.count == 2 ? String(parts[1]) : "0"
        guard (1...3).contains(fraction.count), fraction.allSatisfy(isDigit) else { return nil }
        fraction += String(repeating: "0", count: 3 - fraction.count)
        guard let whole = Int(parts[0]), let rest = Int(fraction) else { return nil }
        return (isNegative ? -1 : 1) * (whole * 1000 + rest)
    }

    private static func isDigit(_ character: Character) -> Bool { ("0"..."9").contains(character) }
}
