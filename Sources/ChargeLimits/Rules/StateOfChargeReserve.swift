import BMSCore

/// Keeps a share of the pack for a blackout: no discharge at or under the owner's reserve until the pack is 3 % above it.
///
/// A command may raise the reserve, but not lower it below the file's. Example: reserve 20 %: DCL 0 from 20 % on, released at 23 %. The
/// reserve is off (0) by default.
struct StateOfChargeReserve: LimitRule {
    private static let release = 3

    private var isReached = false

    mutating func bounds(_ input: LimitInput, after earlier: [Bound]) -> [Bound] {
        let reserve = max(input.configuration.reserveSoc, input.commands.reserveSoc ?? 0)
        let soc = input.measured.soc
        // A state of charge that was never calibrated must not darken a house.
        guard input.isSocKnown else { return [] }
        if reserve > 0 && input.socFalling <= reserve { isReached = true }
        if reserve <= 0 || input.socRising >= min(100, reserve + Self.release) { isReached = false }
        guard isReached else { return [] }
        return [.dcl(.zero, .reserve, .reserve(soc: soc, reserve: reserve))]
    }

    func remember(in memory: inout LimitMemory) { if isReached { memory.latches.insert(.reserve) } }

    mutating func recall(_ memory: LimitMemory) { isReached = memory.latches.contains(.reserve) }
}
