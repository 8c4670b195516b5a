/// e to the power of `exponent`, to about 1e-15. The arithmetic is our own instead of the C library's, so that equal seeds give equal bytes
/// on every machine, and no module is imported.
func exponential(_ exponent: Double) -> Double {
    let bounded = min(max(exponent, -700), 700)
    let ln2 = 0.693_147_180_559_945_3
    let doublings = nearest(bounded / ln2)
    let rest = bounded - Double(doublings) * ln2
    // Taylor series from the far end; |rest| <= 0.35, so the 14th term is below 1e-17.
    var sum = 1.0
    for term in stride(from: 14.0, through: 1, by: -1) { sum = 1 + sum * rest / term }
    return sum * Double(sign: .plus, exponent: doublings, significand: 1)
}

/// Share that remains after one second of a decay with the given time constant in seconds.
func decay(_ timeConstant: Double) -> Double { exponential(-1 / timeConstant) }

/// The nearest whole number, halves away from zero. `rounded()` would need the C library's mathematics at link time, which a module without
/// imports does not have. The function never traps: a value that is not a number becomes 0, and beyond 2^53 the result is the bound.
func nearest(_ value: Double) -> Int {
    let bound = 9_007_199_254_740_992.0
    guard value.magnitude <= bound else { return value > 0 ? Int(bound) : value < 0 ? -Int(bound) : 0 }
    return Int(value < 0 ? value - 0.5 : value + 0.5)
}
