public import BMSCore

/// Stable name of a bound, for machines.
public enum RuleName: String, CaseIterable, Hashable, Sendable {
    // Bounds by settings and the configuration.
    case target, userCap, fuse, sensorRange, cellRating, reserve, maximumSoc, chemistry
    // Bounds by measurements.
    case float, highestCell, hardCellCut, hotBoards, lowestCell, loadStep, empty, cold, hot, chargeByVoltage,
        deepDischarge
    // Bounds by the BMS's word, or by its silence.
    case chargePermission, dischargePermission, cellCommunication, alarmHighCell, alarmLowCell, alarmCold, alarmHot
    case cellCount, link
    // Bounds by commands.
    case command, chargeOff, dischargeOff
    // Bounds of packs in parallel.
    case sum, mismatch
    /// Bounds of one pack of a bank, named after the pack: "pack:garage".
    case pack, overload, silent
}

extension RuleName {
    /// CCL 0 by this rule forbids charging, so CVL holds the pack at rest for chargers that ignore CCL.
    ///
    /// The BMS's refusal is not among these rules: ``Cause/chargeRefused(isEndOfCharge:)`` says whether it is a refusal or the end of a
    /// charge. Cells close to Vmax, lost cell boards and silence have a charge voltage of their own.
    var stopsCharging: Bool {
        switch self {
        case .cold, .hot, .alarmCold, .alarmHot, .alarmHighCell, .chargeOff, .deepDischarge, .maximumSoc, .chemistry,
            .chargeByVoltage:
            true
        case .target, .userCap, .fuse, .sensorRange, .cellRating, .reserve, .float, .highestCell, .hardCellCut,
            .hotBoards, .lowestCell, .loadStep, .empty, .chargePermission, .dischargePermission,
            .cellCommunication, .alarmLowCell, .cellCount, .link, .command, .dischargeOff, .sum, .mismatch, .pack,
            .overload, .silent:
            false
        }
    }

    /// One frame alone brings this bound, so a limit that it lowered for a moment comes back at once.
    var isOfOneFrame: Bool {
        switch self {
        case .chargePermission, .dischargePermission, .cellCommunication, .alarmHighCell, .alarmLowCell, .alarmCold,
            .alarmHot, .loadStep:
            true
        case .target, .userCap, .fuse, .sensorRange, .cellRating, .reserve, .float, .highestCell, .hardCellCut,
            .hotBoards, .lowestCell, .empty, .chargeByVoltage, .cellCount, .link, .command, .dischargeOff, .sum,
            .mismatch, .pack, .overload, .silent, .cold, .hot, .chargeOff, .deepDischarge, .maximumSoc, .chemistry:
            false
        }
    }
}

/// One bound of a limit.
public struct Bound: Hashable, Sendable {
    /// Bound in mV (CVL) or mA (CCL, DCL).
    public var value: Int
    /// The reason for the bound.
    public var cause: Cause
    /// The limit that it bounds.
    public var limit: LimitKind
    /// The rule that bounds it.
    public var name: RuleName

    /// This bound forbids charging, other than at the end of a charge.
    var stopsCharging: Bool {
        guard limit == .ccl, value == 0 else { return false }
        return name.stopsCharging || cause.isEndOfCharge == false
    }

    /// A bound on the charge voltage.
    public static func cvl(_ value: Millivolts, _ name: RuleName, _ cause: Cause) -> Self {
        Self(value: value.rawValue, cause: cause, limit: .cvl, name: name)
    }

    /// A bound on the charge current; below zero counts as zero.
    public static func ccl(_ value: Milliamperes, _ name: RuleName, _ cause: Cause) -> Self {
        Self(value: max(0, value.rawValue), cause: cause, limit: .ccl, name: name)
    }

    /// A bound on the discharge current; below zero counts as zero.
    public static func dcl(_ value: Milliamperes, _ name: RuleName, _ cause: Cause) -> Self {
        Self(value: max(0, value.rawValue), cause: cause, limit: .dcl, name: name)
    }
}

extension [Bound] {
    /// The lowest bound of a limit; of equal ones silence, then the first. Without data no other reason can be known to hold.
    func lowest(_ kind: LimitKind) -> Bound? {
        filter { $0.limit == kind }.min { ($0.value, $0.rank) < ($1.value, $1.rank) }
    }
}

extension Bound {
    /// Order among equal bounds: silence comes first.
    var rank: Int { name == .link ? 0 : 1 }
    /// Stable name, for machines: "highestCell", "pack:garage".
    public var fullName: String { name.fullName(cause) }
    /// One short sentence with numbers and units, for people.
    public var reason: String { cause.description }
}

extension RuleName {
    /// The name, and behind a colon the pack of a bank that the cause names.
    func fullName(_ cause: Cause) -> String {
        switch self {
        case .pack, .overload, .silent: "\(rawValue):\(cause.pack ?? "")"
        default: rawValue
        }
    }
}

extension Cause {
    /// The pack of a bank that the cause names; `nil` where it names none.
    var pack: String? { if case .bank(let cause) = self { cause.pack } else { nil } }
}
