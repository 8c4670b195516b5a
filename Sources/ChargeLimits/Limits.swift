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
        /// The limit that has the reason.
        var limit: LimitKind
        /// Value of the limit when the reason was found, mV or mA.
        var value: Int
        /// Value of the binding bound, which the limit lies on or below, mV or mA.
        var bound: Int
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

    /// Stable name of the bound that the reason is about, as in ``Bound/fullName``; `nil` where nothing bounds the limit.
    public func boundName(_ kind: LimitKind) -> String? {
        why[kind].name.map { $0.fullName(why[kind].cause) }
    }

    /// Every bound, sorted by limit, the lowest of each limit first; of equal ones silence, then that of the earlier rule.
    public var constraints: [Bound] {
        let order = bounds.indices.sorted { left, right in
            let (one, other) = (bounds[left], bounds[right])
            return (one.limit.rank, one.value, one.rank, left) < (other.limit.rank, other.value, other.rank, right)
        }
        return order.map { bounds[$0] }
    }

    /// Balancing was given up, until the pack has been used.
    public var isBalancingStalled: Bool {
        bounds.contains { if case .balancingStalled = $0.cause { true } else { false } }
    }

    /// Threshold of the BMS that contradicts the chemistry; `nil` where none does.
    public var thresholdFault: ThresholdFault? {
        bounds.lazy.compactMap { if case .contradiction(let fault) = $0.cause { fault } else { nil } }.first
    }

    /// A rule of this name bounds something now.
    public func has(_ name: RuleName) -> Bool { bounds.contains { $0.name == name } }

    /// A rule of this name permits nothing of a limit now.
    public func isZero(_ kind: LimitKind, by name: RuleName) -> Bool {
        bounds.contains { $0.limit == kind && $0.name == name && $0.value == 0 }
    }
}

extension Limits.Reason {
    /// The reason of a limit of this value, mV or mA, under its lowest bound; `nil` for the bound where there is none.
    init(_ limit: LimitKind, _ value: Int, under binding: Bound?, _ stance: Stance) {
        self.init(
            cause: binding?.cause ?? .nothingKnown, name: binding?.name, stance: stance, limit: limit, value: value,
            bound: binding?.value ?? value)
    }
}

extension Limits.Reason.Stance {
    /// The relation of a limit of this value to its lowest bound: at the bound or below it, on its way up or too near to move.
    init(_ value: Int, under bound: Int?, _ ramp: SlewLimiter, isDistrusted: Bool) {
        guard let bound, ramp.isBelow(bound, value) else {
            self = .bound
            return
        }
        // A rise goes on while the grid holds back a part of it.
        let isRising = ramp.isRising || ramp.isWorthRising(to: Double(bound), from: Double(value))
        self = isDistrusted ? .heldByDamage(bound) : isRising ? .rising(bound) : .heldBelow(bound)
    }
}

extension Limits.Reason: CustomStringConvertible {
    /// One sentence with numbers and units. Where it names the number of the bound, it says how the limit follows from it.
    public var description: String {
        switch stance {
        case .bound where value < bound && cause.namesItsNumber: "\(cause), rounded down to \(show(value))"
        case .bound: cause.description
        case .rising(let goal): "rising slowly towards \(show(goal)): \(cause)"
        case .heldBelow(let goal): "held at \(show(value)), too near to \(show(goal)) to rise: \(cause)"
        case .heldByDamage(let goal):
            "held below \(show(goal)) until the line has damaged nothing for 20 s: \(cause)"
        }
    }

    /// The number as it is published.
    private func show(_ number: Int) -> String {
        let shown = (limit == .cvl ? SlewLimiter.voltage : SlewLimiter.current).onGrid(number)
        return limit == .cvl ? Millivolts(shown).inPackVolts : Milliamperes(shown).inAmperes
    }
}

extension Cause {
    /// The sentence names the number of its bound.
    fileprivate var namesItsNumber: Bool {
        switch self {
        case .chargeCap, .dischargeCap, .voltageCap, .commandedCharge, .commandedDischarge, .commandedVoltage, .fuse,
            .rating:
            true
        default: false
        }
    }
}
