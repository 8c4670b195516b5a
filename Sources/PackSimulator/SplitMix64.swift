/// Small seeded generator (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", 2014): the same seed
/// gives the same pack, noise and weather on every machine.
struct SplitMix64: Sendable {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    /// A number that is distributed evenly over a range.
    mutating func uniform(_ range: ClosedRange<Double>) -> Double {
        let unit = Double(next() >> 11) / 9_007_199_254_740_992  // 2^53
        return range.lowerBound + unit * (range.upperBound - range.lowerBound)
    }

    /// A number with a bell-shaped distribution around 0 with the given standard deviation, and never beyond 3.5 of it: the sum of four
    /// even numbers, so that no reading is ever absurd.
    mutating func bell(_ deviation: Double) -> Double {
        var bits = next()
        var sum = 0.0
        for _ in 0..<4 {
            sum += Double(bits & 0xFFFF)
            bits >>= 16
        }
        // Mean 2 and variance 1/3 in units of 65535.
        return (sum / 65_535 - 2) * 1.732_050_807_568_877_2 * deviation
    }
}
