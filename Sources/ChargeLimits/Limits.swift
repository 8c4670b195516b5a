public import BMSCore

/// The published limits with everything that led to them.
public struct Limits: Hashable, Sendable {
    /// The limits alone, without their causes.
    public struct Levels: Hashable, Sendable {
        /// Charge voltage limit of the pack.
        public var cvl: Millivolts
        /// Charge current limit.
        public var ccl: Milliamperes
        /// Discharge current limit, positive.
        public var dcl: Milliamperes

        /// Creates the three numbers.
        public init(cvl: Millivolts, ccl: Milliamperes, dcl: Milliamperes) {
            self.cvl = cvl
            self.ccl = ccl
            self.dcl = dcl
        }

        /// A limit in its unit, mV or mA.
        public func value(_ kind: LimitKind) -> Int {
            switch kind {
            case .cvl: cvl.rawValue
            case .ccl: ccl.rawValue
            case .dcl: dcl.rawValue
            }
        }
    }

    /// The reason why a limit has its value.
    public struct Reason: Hashable, Sendable {
        /// The relation of a limit to its lowest bound.
        public enum Stance: Hashable, Sendable {
            /// The limit is at its bound.
            case bound
            /// The limit is rising towards its bound, mV or mA.
            case rising(Int)
            /// The limit is below its bound, mV or mA, and the rise is not worth it yet.
            case heldBelow(Int)
            /// The limit is below its bound, mV or mA, because the line damages frames.
            case heldByDamage(Int)
        }

        var cause: Cause
        /// The binding bound; `nil` where there is none.
        var name: RuleName?
        var stance: Stance
        /// The limit is a voltage.
        var isVoltage: Bool
    }

    /// Charge voltage limit of the pack.
    public var cvl: Millivolts
    /// Charge current limit.
    public var ccl: Milliamperes
    /// Discharge current limit, positive.
    public var dcl: Milliamperes
    /// Charge state.
    public var state: ChargeState
    /// Highest voltage that a single cell is meant to reach.
    public var cellCeiling: Millivolts
    /// Lowest pack voltage that discharge is meant to reach.
    public var lowVoltage: Millivolts
    /// Cell resistance x N that DCL uses, and its source.
    public var resistance: PackResistance
    /// The reasons for the limits.
    var why: PerLimit<Reason>
    /// Every bound, in the order of the rules.
    package var bounds: [Bound]
    /// The pack asks to be charged, from wherever power comes.
    public var isChargeRequested: Bool

    init(
        _ levels: Levels, state: ChargeState, cellCeiling: Millivolts, lowVoltage: Millivolts,
        resistance: PackResistance, why: PerLimit<Reason>, bounds: [Bound],
        isChargeRequested: Bool
    ) {
        (cvl, ccl, dcl) = (levels.cvl, levels.ccl, levels.dcl)
        self.state = state
        self.cellCeiling = cellCeiling
        self.lowVoltage = lowVoltage
        self.resistance = resistance
        self.why = why
        self.bounds = bounds
        self.isChargeRequested = isChargeRequested
    }

    /// A limit in its unit, mV or mA.
    public func value(_ kind: LimitKind) -> Int { levels.value(kind) }

    /// The three limits, for finding out whether one of them changed.
    public var levels: Levels { Levels(cvl: cvl, ccl: ccl, dcl: dcl) }

    /// The reason why a limit has its value, as one sentence.
    public func reason(_ kind: LimitKind) -> String { why[kind].description }

    /// Every bound, sorted by limit, the lowest of each limit first; of equal ones that of the earlier rule.
    public var constraints: [Bound] {
        let order = bounds.indices.sorted {
            (bounds[$0].limit.rank, bounds[$0].value, $0) < (bounds[$1].limit.rank, bounds[$1].value, $1)
        }
        return order.map { bounds[$0] }
    }

    /// Balancing was given up, until the pack has been used.
    public var isBalancingStalled: Bool {
        bounds.contains { if case .balancingStalled = $0.cause { true } else { false } }
    }

    /// A rule of this name bounds something now.
    public func has(_ name: RuleName) -> Bool { bounds.contains { $0.name == name } }

    /// A rule of this name permits nothing of a limit now.
    public func isZero(_ kind: LimitKind, by name: RuleName) -> Bool {
        bounds.contains { $0.limit == kind && $0.name == name && $0.value == 0 }
    }
}

extension Limits.Reason {
    /// The reason of a limit under its lowest bound; `nil` for the bound where there is none.
    init(_ binding: Bound?, _ stance: Stance, isVoltage: Bool) {
        self.init(
            cause: binding?.cause ?? .nothingKnown, name: binding?.name, stance: stance, isVoltage: isVoltage)
    }
}

extension Limits.Reason.Stance {
    /// The relation of a limit of this value to its lowest bound: at the bound or below it, on its way up or too near to move.
    init(_ value: Int, under bound: Int?, _ ramp: SlewLimiter, isDistrusted: Bool) {
        guard let bound, ramp.isBelow(bound, value) else {
            self = .bound
            return
        }
        self = isDistrusted ? .heldByDamage(bound) : ramp.isRising ? .rising(bound) : .heldBelow(bound)
    }
}

extension Limits.Reason: CustomStringConvertible {
    /// One sentence with numbers and units.
    public var description: String {
        switch stance {
        case .bound: cause.description
        case .rising(let goal): "rising slowly towards \(show(goal)): \(cause)"
        case .heldBelow(let goal): "held below \(show(goal)): \(cause)"
        case .heldByDamage(let goal):
            "held below \(show(goal)) until the line has damaged nothing for 20 s: \(cause)"
        }
    }

    private func show(_ goal: Int) -> String {
        isVoltage ? Millivolts(goal).inPackVolts : Milliamperes(goal).inAmperes
    }
}
