public import BMSCore

/// The three limits that rule a charger and an inverter.
public enum LimitKind: String, Sendable, CaseIterable {
    /// Charge voltage limit, mV for the pack.
    case cvl
    /// Charge current limit, mA, 0 or more.
    case ccl
    /// Discharge current limit, mA, 0 or more.
    case dcl
}

/// One named reason for a limit to be no higher than a value.
public struct ConstraintValue: Hashable, Sendable {
    /// The limit that it bounds.
    public var limit: LimitKind
    /// Stable name, for machines: "highestCell".
    public var name: String
    /// Bound in mV (CVL) or mA (CCL, DCL).
    public var value: Int
    /// One short sentence with numbers and units, for people.
    public var reason: String

    /// A bound on the charge voltage.
    public static func cvl(_ value: Millivolts, _ name: String, _ reason: String) -> Self {
        Self(limit: .cvl, name: name, value: value.rawValue, reason: reason)
    }

    /// A bound on the charge current; below zero counts as zero.
    public static func ccl(_ value: Milliamperes, _ name: String, _ reason: String) -> Self {
        Self(limit: .ccl, name: name, value: max(0, value.rawValue), reason: reason)
    }

    /// A bound on the discharge current; below zero counts as zero.
    public static func dcl(_ value: Milliamperes, _ name: String, _ reason: String) -> Self {
        Self(limit: .dcl, name: name, value: max(0, value.rawValue), reason: reason)
    }
}

/// What the pack is being charged for.
public enum ChargeState: String, Sendable, CaseIterable {
    /// Below the knee.
    case bulk
    /// The highest cell has reached the balancing voltage.
    case absorption
    /// Some cells bypass while others are still behind.
    case balancing
    /// All cells at the balancing voltage, little current, for long enough.
    case full
    /// Held below the balancing voltage after full.
    case float
    /// No fresh data: nothing is known.
    case stale
}

/// The published limits with everything that led to them.
public struct Limits: Hashable, Sendable {
    /// Charge voltage limit of the pack.
    public var cvl: Millivolts
    /// Charge current limit.
    public var ccl: Milliamperes
    /// Discharge current limit, positive.
    public var dcl: Milliamperes
    /// Charge state.
    public var state: ChargeState
    /// Why each limit is what it is, one sentence each.
    public var reasons: [LimitKind: String]
    /// Every constraint with its value, the lowest of each limit first.
    public var constraints: [ConstraintValue]
    /// Highest voltage that a single cell is meant to reach.
    public var cellCeiling: Millivolts
    /// Lowest pack voltage that discharge is meant to reach.
    public var lowVoltage: Millivolts

    /// A limit in its unit, mV or mA.
    public func value(_ kind: LimitKind) -> Int {
        switch kind {
        case .cvl: cvl.rawValue
        case .ccl: ccl.rawValue
        case .dcl: dcl.rawValue
        }
    }

    /// The three numbers, for "did a limit change".
    public var numbers: [Int] { LimitKind.allCases.map(value) }
}
