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
        let soc = input.isSocKnown ? input.measured.soc : nil
        if isEmpty || soc.map({ $0 < Self.low }) ?? false {
            isWanted = true
        } else if soc.map({ $0 >= Self.release }) ?? true {
            isWanted = false
        }
        return isWanted && bounds.lowest(.ccl)?.value != 0
    }
}
