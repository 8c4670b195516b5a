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
    package struct Reason: Hashable, Sendable {
        /// How a limit stands to its lowest constraint.
        package enum Stance: Hashable, Sendable {
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
        /// The binding constraint; `nil`: there is none.
        var name: ConstraintName?
        /// Place of the pack that it speaks of in its bank.
        var member: Int?
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
    package var why: Shared<PerLimit<Reason>>
    /// Every bound, in the order of the constraints.
    package var bounds: [ConstraintValue]
    /// What a bank has to say to that; `nil`: it is a pack's.
    var bank: Shared<BankWords>?

    /// Why, in the words of a bank.
    struct BankWords: Hashable, Sendable {
        /// By the places of ``bounds``.
        var bounds: [BankCause?]
        var why: PerLimit<BankCause?>
    }

    /// A limit in its unit, mV or mA.
    public func value(_ kind: LimitKind) -> Int { levels.value(kind) }

    /// The three numbers, for "did a limit change".
    public var levels: Levels { Levels(cvl: cvl, ccl: ccl, dcl: dcl) }

    /// Why a limit is what it is, one sentence.
    public func reason(_ kind: LimitKind) -> String { named(kind).description }

    /// Why a limit is what it is, with the words for it.
    package func named(_ kind: LimitKind) -> NamedReason {
        NamedReason(reason: why.value[kind], bank: bank?.value.why[kind])
    }

    /// Every constraint with its value, by limit, the lowest of each first.
    public var constraints: [NamedConstraint] { order.map(named) }

    /// The bound at a place of ``bounds`` with the words for it.
    package func named(_ place: Int) -> NamedConstraint {
        NamedConstraint(bounds[place], bank?.value.bounds[place])
    }

    /// Places of ``bounds``, by limit, the lowest of each first.
    package var order: [Int] {
        // Of equal bounds the earlier constraint is named, so the order has to be kept.
        var keys = bounds.indices.map { (bounds[$0].limit.rank, bounds[$0].value, $0) }
        keys.sort(by: <)
        return keys.map(\.2)
    }

    /// Balancing was given up, until the pack has been used.
    public var isBalancingStalled: Bool {
        bounds.contains { if case .balancingStalled = $0.cause { true } else { false } }
    }

    /// Whether a constraint of a name bounds anything now.
    public func has(_ name: ConstraintName) -> Bool { bounds.contains { $0.name == name } }

    /// Whether a constraint of a name permits nothing of a limit now.
    public func isZero(_ kind: LimitKind, by name: ConstraintName) -> Bool {
        bounds.contains { $0.limit == kind && $0.name == name && $0.value == 0 }
    }
}

extension Limits.Reason {
    /// The binding constraint; `nil`: there is none.
    init(_ binding: ConstraintValue?, member: Int? = nil, _ stance: Stance, isVoltage: Bool) {
        self.init(
            cause: binding?.cause ?? .nothingKnown, name: binding?.name, member: member, stance: stance,
            isVoltage: isVoltage)
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

/// Why a limit is what it is, with the words for it.
package struct NamedReason: Hashable, Sendable {
    var reason: Limits.Reason
    /// Why, where it is a bank's own.
    var bank: BankCause?
}

extension NamedReason: CustomStringConvertible {
    package var description: String {
        let cause = bank?.description ?? reason.cause.description
        return switch reason.stance {
        case .bound: cause
        case .rising(let goal): "rising slowly towards \(show(goal)): \(cause)"
        case .heldBelow(let goal): "held below \(show(goal)): \(cause)"
        case .heldByDamage(let goal):
            "held below \(show(goal)) until the line has damaged nothing for 20 s: \(cause)"
        }
    }

    private func show(_ goal: Int) -> String {
        reason.isVoltage ? Millivolts(goal).inPackVolts : Milliamperes(goal).inAmperes
    }
}
