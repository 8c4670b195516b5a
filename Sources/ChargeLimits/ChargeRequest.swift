import BMSCore

/// The wish to be charged from any source of power (`chargeRequest`): on when the pack is empty, or below 3 % of charge; off 5 points
/// above; never on while charging is forbidden.
struct ChargeRequest: Sendable {
    private static let low = 3
    private static let release = 8

    private var isWanted = false

    /// - Returns: true while the pack asks to be charged.
    mutating func step(_ input: LimitInput, _ bounds: [Bound]) -> Bool {
        let isEmpty = bounds.contains { $0.name == .empty }
        if isEmpty || (input.isSocKnown && input.socFalling < Self.low) {
            isWanted = true
        } else if !input.isSocKnown || input.socRising >= Self.release {
            isWanted = false
        }
        return isWanted && bounds.lowest(.ccl)?.value != 0
    }
}
