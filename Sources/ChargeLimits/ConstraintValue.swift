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

/// The lowest bound of each limit, and where it is.
struct LowestBounds: Sendable {
    private var values = PerLimit(cvl: Int.max, ccl: Int.max, dcl: Int.max)
    /// The first of equal ones; `nil`: none.
    private(set) var places = PerLimit<Int?>(cvl: nil, ccl: nil, dcl: nil)

    /// Takes the bounds from a place on into account.
    mutating func note(_ bounds: [ConstraintValue], from start: Int) {
        for place in start..<bounds.count {
            let value = bounds[place].value
            switch bounds[place].limit {
            case .cvl: if value < values.cvl { (values.cvl, places.cvl) = (value, place) }
            case .ccl: if value < values.ccl { (values.ccl, places.ccl) = (value, place) }
            case .dcl: if value < values.dcl { (values.dcl, places.dcl) = (value, place) }
            }
        }
    }
}

extension [ConstraintValue] {
    /// Where the lowest bound of each limit is, the first of equal ones.
    var placesOfLowest: PerLimit<Int?> {
        var lowest = LowestBounds()
        lowest.note(self, from: 0)
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
