public import BMSCore

/// The published limits with everything that led to them.
public struct Limits: Hashable, Sendable {
    /// The limits without what led to them.
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

    /// Why a limit is what it is.
    public struct Reason: Hashable, Sendable {
        /// How a limit stands to its lowest bound.
        public enum Stance: Hashable, Sendable {
            /// At it.
            case bound
            /// On its way up to it, mV or mA.
            case rising(Int)
            /// Below it, the way up is not worth going yet.
            case heldBelow(Int)
            /// Below it, for the line damages frames.
            case heldByDamage(Int)
        }

        var cause: Cause
        /// The binding bound; `nil`: there is none.
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
    /// Cell resistance x N that DCL reckons with, and where it comes from.
    public var resistance: PackResistance
    /// Why they are what they are.
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

    /// The three numbers, for "did a limit change".
    public var levels: Levels { Levels(cvl: cvl, ccl: ccl, dcl: dcl) }

    /// Why a limit is what it is, one sentence.
    public func reason(_ kind: LimitKind) -> String { why[kind].description }

    /// Every bound, by limit, the lowest of each first; of equal ones the earlier rule's.
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
    /// The reason of a limit under its lowest bound; `nil`: there is none.
    init(_ binding: Bound?, _ stance: Stance, isVoltage: Bool) {
        self.init(
            cause: binding?.cause ?? .nothingKnown, name: binding?.name, stance: stance, isVoltage: isVoltage)
    }
}

extension Limits.Reason.Stance {
    /// How a limit of this value stands to its lowest bound: at it or below it, on its way up or too near to move.
    init(_ value: Int, under bound: Int?, _ ramp: LimitRamp, isDistrusted: Bool) {
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
