public import BMSCore

/// Stable name of a bound, for machines.
public enum ConstraintName: String, Hashable, Sendable {
    // By what is set and configured.
    case target, userCap, fuse, sensorRange, cellRating, reserve
    // By what is measured.
    case float, highestCell, hardCellCut, hotBoards, lowestCell, empty, cold, hot, chargeByVoltage
    // By what the BMS says, or that it says nothing.
    case chargePermission, dischargePermission, cellCommunication, alarmHighCell, alarmLowCell, alarmCold, alarmHot
    case cellCount, link
    // By what somebody asked for.
    case command, chargeOff, dischargeOff
    // Of packs in parallel.
    case sum, mismatch
    /// Of one pack of a bank, which is named after it: "pack:garage".
    case pack, overload, silent
}

/// One bound of a limit: numbers alone.
public struct ConstraintValue: Hashable, Sendable {
    /// Bound in mV (CVL) or mA (CCL, DCL).
    public var value: Int
    /// Why, in numbers.
    public var cause: Cause
    /// The limit that it bounds.
    public var limit: LimitKind
    /// What bounds it.
    public var name: ConstraintName

    /// A bound on the charge voltage.
    public static func cvl(_ value: Millivolts, _ name: ConstraintName, _ cause: Cause) -> Self {
        Self(value: value.rawValue, cause: cause, limit: .cvl, name: name)
    }

    /// A bound on the charge current; below zero counts as zero.
    public static func ccl(_ value: Milliamperes, _ name: ConstraintName, _ cause: Cause) -> Self {
        Self(value: max(0, value.rawValue), cause: cause, limit: .ccl, name: name)
    }

    /// A bound on the discharge current; below zero counts as zero.
    public static func dcl(_ value: Milliamperes, _ name: ConstraintName, _ cause: Cause) -> Self {
        Self(value: max(0, value.rawValue), cause: cause, limit: .dcl, name: name)
    }
}

extension [ConstraintValue] {
    /// Where the lowest bound of each limit is, the first of equal ones.
    var placesOfLowest: PerLimit<Int?> {
        var lowest = LowestBounds()
        for place in indices { lowest.note(self[place], at: place) }
        return lowest.places
    }

    /// The lowest bound of a limit, the first of equal ones.
    func lowest(_ kind: LimitKind) -> ConstraintValue? { placesOfLowest[kind].map { self[$0] } }
}

/// A bound with the words for it.
public struct NamedConstraint: Hashable, Sendable {
    /// The bound; of a bank's own its cause says nothing.
    package var bound: ConstraintValue
    /// Why, where it is a bank's own.
    var bank: BankCause?

    init(_ bound: ConstraintValue, _ bank: BankCause? = nil) {
        self.bound = bound
        self.bank = bank
    }

    /// The limit that it bounds.
    public var limit: LimitKind { bound.limit }
    /// Stable name, for machines: "highestCell", "pack:garage".
    public var name: String {
        switch bound.name {
        case .pack, .overload, .silent: "\(bound.name.rawValue):\(bank?.pack ?? "")"
        default: bound.name.rawValue
        }
    }
    /// Bound in mV (CVL) or mA (CCL, DCL).
    public var value: Int { bound.value }
    /// One short sentence with numbers and units, for people.
    public var reason: String { bank?.description ?? bound.cause.description }
}
