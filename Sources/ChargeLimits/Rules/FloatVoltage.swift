import BMSCore

/// After full the pack rests at N x (Vbalance - flo): the boards stop burning and the cells stop ageing at the top.
///
/// The command `chargeMode float` does the same at any time. Packs in parallel wait for the last of their bank. There is no step: the voltage eases down by 1 mV a second (16 cells), so that a charger that feeds the house goes on
/// doing so and the pack is not emptied into the grid. LFP rests at 3.38 V (bench; two peers take 3.37 and 3.375 V); users of
/// dbus-serialbattery asked for the missing ramp.
///
/// Example: 16 LFP cells, Vbalance 3.400 V: from 54.88 V to 54.08 V in 13 minutes.
struct FloatVoltage: LimitRule {
    /// mV a second for each cell.
    private static let ease = 0.0625

    /// mV; `nil` while the pack is not full.
    private var level: Double?

    mutating func bounds(_ input: LimitInput, after earlier: [ConstraintValue]) -> [ConstraintValue] {
        let isCommanded = input.commands.chargeMode == .float
        let isDue = input.isFull && !input.isAwaitingPacks && (input.configuration.floats || input.isStalled)
        guard isDue || isCommanded else {
            level = nil
            return []
        }
        let goal = input.figures.floatVoltage
        let start = min(
            Double(input.published?.cvl.rawValue ?? .max), Double((input.figures.targetCell * input.cells).rawValue))
        let eased = max(Double(goal.rawValue), (level ?? start) - Self.ease * Double(input.cells) * input.elapsed)
        level = eased
        let isThere = eased <= Double(goal.rawValue)
        let cause: Cause =
            input.isStalled
            ? .balancingStalled(goal)
            : isCommanded && !input.isFull ? .commandedFloat(goal) : isThere ? .float(goal) : .towardsFloat(goal)
        return [.cvl(Millivolts(Int(eased)), .float, cause)]
    }
}
