import BMSCore

/// Charges a deeply discharged cell gently, or not at all.
///
/// CCL falls from Vmin - 0.2 V in a straight line down to 0.05 C at Vmin - 0.4 V. Below 2.0 V (LTO 1.5 V), where copper dissolves, CCL is
/// 0; after 60 s there it stays 0, with an alarm, until the owner allows this charge (`allowDeepCharge`): then it is 0.05 C until the cell
/// is at Vmin - 0.2 V, and 0.1 V above the voltage where copper dissolves. Sources: public cell data sheets (0.05 to 0.1 C below 2.5 V, no charge below 1.5 to 2.0 V).
///
/// Example: 100 Ah LFP, Vmin 2.9 V: 50 A at 2.70 V, 27.5 A at 2.60 V, 5 A at 2.50 V, 0 A below 2.00 V.
struct DeepDischarge: LimitRule {
    private static let begin = Millivolts(200)
    private static let span = 200
    /// Least rise above the lowest voltage for charging that ends a permitted charge: the current itself lifts the cell.
    private static let rise = Millivolts(100)
    private static let gentle = 50
    private static let seconds = 60.0

    private var isLatched = false
    private var isAllowed = false
    private var secondsBelow = 0.0

    mutating func bounds(_ input: LimitInput, after earlier: [Bound]) -> [Bound] {
        let lowest = input.lowestVoltage
        let floor = input.figures.deepVoltage
        let start = max(input.settings.minimumVoltage - Self.begin, floor)
        let isBelow = lowest < floor
        secondsBelow = isBelow ? secondsBelow + input.elapsed : 0
        if secondsBelow >= Self.seconds && !isAllowed { isLatched = true }
        if input.isDeepChargeAllowed && isLatched {
            isLatched = false
            isAllowed = true
        }
        let end = max(start, floor + Self.rise)
        if input.lowestVoltageRising >= end { isAllowed = false }
        let cell = Cause.CellVoltage(cell: input.measured.lowestVoltageCell, voltage: lowest)
        if isLatched || (isBelow && !isAllowed) {
            return [.ccl(.zero, .deepDischarge, .deeplyDischarged(cell, floor: floor, isLatched: isLatched))]
        }
        guard lowest < start || isAllowed else { return [] }
        let least = input.figures.rate(Self.gentle)
        let most = max(least, input.figures.chargeRating)
        let above = max(0, Self.span - max(0, (start - lowest).rawValue))
        let ramp = isAllowed ? least : least + Milliamperes((most - least).rawValue * above / Self.span)
        return [
            .ccl(ramp, .deepDischarge, .lowWhileCharging(cell, full: isAllowed ? end : start, isAllowed: isAllowed))
        ]
    }

    func remember(in memory: inout LimitMemory) {
        if isLatched { memory.latches.insert(.deepDischarge) }
        if isAllowed { memory.latches.insert(.deepChargeAllowed) }
    }

    mutating func recall(_ memory: LimitMemory) {
        isLatched = memory.latches.contains(.deepDischarge)
        isAllowed = memory.latches.contains(.deepChargeAllowed)
    }
}
