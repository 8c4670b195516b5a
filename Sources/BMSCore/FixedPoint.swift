/// Decimal text of integers: fixed decimals, no binary noise, no Foundation, never "-0".
public enum FixedPoint {
    /// Thousandths with 0...3 decimals, rounded half away from zero: (3452, 2) is "3.45".
    public static func text(thousandths: Int, decimals: Int) -> String {
        var bytes: [UInt8] = []
        append(thousandths: thousandths, decimals: decimals, to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The same, at the end of a document.
    public static func append(thousandths: Int, decimals: Int, to bytes: inout [UInt8]) {
        let step: UInt =
            switch decimals {
            case ...0: 1000
            case 1: 100
            case 2: 10
            default: 1
            }
        let rounded = (thousandths.magnitude + step / 2) / step
        if thousandths < 0 && rounded != 0 { bytes.append(UInt8(ascii: "-")) }
        var scale = 1000 / step
        append(magnitude: rounded / scale, to: &bytes)
        guard scale > 1 else { return }
        bytes.append(UInt8(ascii: "."))
        while scale > 1 {
            scale /= 10
            bytes.append(UInt8(ascii: "0") + UInt8(rounded / scale % 10))
        }
    }

    /// A whole number, at the end of a document.
    public static func append(_ number: Int, to bytes: inout [UInt8]) {
        if number < 0 { bytes.append(UInt8(ascii: "-")) }
        append(magnitude: number.magnitude, to: &bytes)
    }

    private static func append(magnitude: UInt, to bytes: inout [UInt8]) {
        var scale: UInt = 1
        while magnitude / scale >= 10 { scale *= 10 }
        while scale > 0 {
            bytes.append(UInt8(ascii: "0") + UInt8(magnitude / scale % 10))
            scale /= 10
        }
    }

    /// Thousandths of a plain decimal number; `nil` where the text is none. Exact: no binary fraction is involved. Up to
    /// nine digits, then up to three decimals; no exponent, no sign but a minus, no white space.
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
