import BMSCore

/// Stops charging at the owner's state of charge: cells that are rarely at the top live longer.
///
/// CCL falls to 0 over the last percent (not below 2 A) and stays 0 until 3 % below; ``RestHold`` holds CVL meanwhile. A full charge that
/// is due, or requested, goes through once. A state of charge that was never calibrated bounds nothing.
///
/// Example: `maxSoc` 80, 100 Ah LFP: 25 A at 79.5 %, 0 from 80 % on, released at 77 %.
struct MaximumSoc: LimitRule {
    private static let hysteresis = 3
    private static let least = Milliamperes(2_000)

    private var isReached = false

    mutating func bounds(_ input: LimitInput, after earlier: [Bound]) -> [Bound] {
        let most = min(input.configuration.maximumSoc, input.commands.maximumSoc ?? 100)
        let soc = input.measured.soc
        guard most < 100, input.isSocKnown, !input.isFullChargeDue || input.isStalled else {
            if most >= 100 || input.isFullChargeDue { isReached = false }
            return []
        }
        if input.elapsed > 0 || !isReached {
            if input.socRising >= most {
                isReached = true
            } else if input.socFalling <= most - Self.hysteresis {
                isReached = false
            }
        }
        if isReached { return [.ccl(.zero, .maximumSoc, .maximumSoc(soc: soc, most: most, isReached: true))] }
        guard input.socRising == most - 1 else { return [] }
        let left = max(0, Double(most) - input.preciseSoc)
        let ceiling = Milliamperes(Int(Double(input.figures.chargeRating.rawValue) * left))
        return [.ccl(max(Self.least, ceiling), .maximumSoc, .maximumSoc(soc: soc, most: most, isReached: false))]
    }

    func remember(in memory: inout LimitMemory) { if isReached { memory.latches.insert(.maximumSoc) } }

    mutating func recall(_ memory: LimitMemory) { isReached = memory.latches.contains(.maximumSoc) }
}

extension LimitInput {
    /// State of charge with a fraction, by the stored energy, percent: the BMS sends whole percents.
    fileprivate var preciseSoc: Double {
        let soc = Double(measured.soc)
        guard settings.capacity > .zero else { return soc }
        let stored = Double(measured.energyStored.rawValue) * 100 / Double(settings.capacity.rawValue)
        return min(soc + 1, max(soc, stored))
    }
}
