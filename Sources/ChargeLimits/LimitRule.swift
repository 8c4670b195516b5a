import BMSCore

/// One reason to limit charging or discharging. Each rule has a small file of its own; a new rule is an entry in ``LimitRules``.
///
/// A rule is asked in every step, with or without a new measurement. A rule that remembers (filters, latches) moves with
/// ``LimitInput/elapsed``, which is 0 in a step without a new measurement: silence changes no state.
protocol LimitRule: Sendable {
    /// The bounds of this step; none where the rule has nothing to say.
    ///
    /// - Parameter earlier: the bounds of the rules before this one in the list.
    mutating func bounds(_ input: LimitInput, after earlier: [Bound]) -> [Bound]
    /// Writes the state that must survive a restart into a memory.
    func remember(in memory: inout LimitMemory)
    /// Takes the state that survived a restart; called before the first step.
    mutating func recall(_ memory: LimitMemory)
}

extension LimitRule {
    func remember(in memory: inout LimitMemory) {}
    mutating func recall(_ memory: LimitMemory) {}
}

/// Every rule, in one list. Where two bounds are equal the earlier one is named as the reason: a ceiling that never moves comes before a
/// measurement that happens to permit as much.
struct LimitRules: Sendable {
    private var rules: [any LimitRule] = [
        TargetVoltage(), Ceilings(), ChemistryBounds(), FloatVoltage(), HighestCell(), HardCellCut(), HotBoards(),
        DeepDischarge(),
        LowestCell(), TemperatureWindow(), MaximumSoc(), StateOfChargeReserve(), StatusBits(), CellCountChange(),
        Commands(), RestHold(), ChargeByVoltage(), Staleness(),
    ]

    /// The bounds of all rules in this step.
    mutating func bounds(_ input: LimitInput) -> [Bound] {
        var bounds: [Bound] = []
        for place in rules.indices { bounds += rules[place].bounds(input, after: bounds) }
        return bounds
    }

    /// Writes the state of all rules that must survive a restart into a memory.
    func remember(in memory: inout LimitMemory) { for rule in rules { rule.remember(in: &memory) } }

    /// Gives every rule the state that survived a restart.
    mutating func recall(_ memory: LimitMemory) { for place in rules.indices { rules[place].recall(memory) } }
}
