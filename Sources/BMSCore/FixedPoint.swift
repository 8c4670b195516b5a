/// Decimal text of integers: fixed decimals, no binary noise, no Foundation, never "-0".
public enum FixedPoint {
    /// Thousandths with 0...3 decimals, rounded half away from zero: (3452, 2) is "3.45".
    public static func text(thousandths: Int, decimals: Int) -> String {
        let step: UInt =
            switch decimals {
            case ...0: 1000
            case 1: 100
            case 2: 10
            default: 1
            }
        let rounded = (thousandths.magnitude + step / 2) / step
        let scale = 1000 / step
        let sign = thousandths < 0 && rounded != 0 ? "-" : ""
        guard scale > 1 else { return "\(sign)\(rounded)" }
        let fraction = rounded % scale
        // A leading 1 keeps the zeros, and is dropped.
        return "\(sign)\(rounded / scale).\(String(scale + fraction).dropFirst())"
    }
}
