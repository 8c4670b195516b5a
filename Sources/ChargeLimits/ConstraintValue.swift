public import BMSCore

/// One named bound of a limit.
public struct ConstraintValue: Hashable, Sendable {
    /// The limit that it bounds.
    public var limit: LimitKind
    /// Stable name, for machines: "highestCell".
    public var name: String
    /// Bound in mV (CVL) or mA (CCL, DCL).
    public var value: Int
    /// Why, in numbers.
    public var cause: Cause

    /// One short sentence with numbers and units, for people.
    public var reason: String { cause.description }

    /// A bound on the charge voltage.
    public static func cvl(_ value: Millivolts, _ name: String, _ cause: Cause) -> Self {
        Self(limit: .cvl, name: name, value: value.rawValue, cause: cause)
    }

    /// A bound on the charge current; below zero counts as zero.
    public static func ccl(_ value: Milliamperes, _ name: String, _ cause: Cause) -> Self {
        Self(limit: .ccl, name: name, value: max(0, value.rawValue), cause: cause)
    }

    /// A bound on the discharge current; below zero counts as zero.
    public static func dcl(_ value: Milliamperes, _ name: String, _ cause: Cause) -> Self {
        Self(limit: .dcl, name: name, value: max(0, value.rawValue), cause: cause)
    }
}

extension [ConstraintValue] {
    /// Where the lowest bound of a limit is, the first of equal ones.
    func placeOfLowest(_ kind: LimitKind) -> Int? {
        var best: Int?
        for index in indices where self[index].limit == kind {
            if let old = best, self[old].value <= self[index].value { continue }
            best = index
        }
        return best
    }

    /// The lowest bound of a limit, the first of equal ones.
    func lowest(_ kind: LimitKind) -> ConstraintValue? { placeOfLowest(kind).map { self[$0] } }
}
