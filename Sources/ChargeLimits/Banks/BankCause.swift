public import BMSCore

/// The reason for the value of a bank's bound.
public indirect enum BankCause: Hashable, Sendable {
    /// A pack's own reason, for its charge voltage.
    case voltage(pack: String, Limits.Reason)
    /// A pack's own bound, the share of the bank's current that the pack takes, in thousandths, and the current that it exchanges with the
    /// other packs in addition.
    case share(pack: String, limit: Milliamperes, permille: Int, isMeasured: Bool, offset: Milliamperes, Cause)
    /// A silent pack may still take its share: the current that it allowed last bounds the bank.
    case silentShare(pack: String, limit: Milliamperes, permille: Int)
    /// A pack that was not heard since the start, and the voltage of silence.
    case unheard(pack: String)
    /// A pack would leave less, but no limit ends the exchange among the packs: the bound is the smallest current that an inverter does not
    /// treat as zero.
    case least(pack: String, Milliamperes, Cause)
    /// A higher value has not lasted for long enough yet.
    case settling(BankCause)
    /// A pack is latched empty, and a bank cannot take one pack off the bus.
    case empty(pack: String, Cause)
    /// A pack carries, or carried a moment ago, more than it is allowed.
    case overload(pack: String, Milliamperes, limit: Milliamperes)
    /// A pack carries current against its BMS.
    case defiant(pack: String)
    /// All packs together.
    case sum(packs: Int)
    /// No pack takes part.
    case nobody
    /// Packs that cannot be in parallel.
    case mismatch(pack: String, cells: Int, other: String, otherCells: Int)
    case chemistries(pack: String, Chemistry, other: String, Chemistry)
}

extension BankCause {
    /// The pack that the cause names; `nil` where it names all packs, or none.
    var pack: String? {
        switch self {
        case .voltage(let pack, _), .share(let pack, _, _, _, _, _), .silentShare(let pack, _, _), .unheard(let pack),
            .least(let pack, _, _), .empty(let pack, _), .overload(let pack, _, _), .defiant(let pack),
            .mismatch(let pack, _, _, _),
            .chemistries(let pack, _, _, _):
            pack
        case .settling(let cause): cause.pack
        case .sum, .nobody: nil
        }
    }
}

extension BankCause: CustomStringConvertible {
    /// One short sentence with numbers and units, beginning with the pack.
    public var description: String {
        switch self {
        case .voltage(let pack, let reason): "\(pack): \(reason)"
        case .share(let pack, let limit, let permille, let isMeasured, let offset, let cause):
            "\(pack): \(limit.inAmperes)"
                + Self.exchange(offset)
                + " at \(isMeasured ? "" : "up to ")\(permille.percent) of the current"
                + "\(isMeasured ? "" : ", not measured yet"), \(cause)"
        case .silentShare(let pack, let limit, let permille):
            "\(pack) is silent and may still take \(permille.percent) of the current: \(limit.inAmperes) when heard last"
        case .unheard(let pack): "\(pack) was not heard yet: held at the voltage of silence"
        case .least(let pack, let least, let cause):
            "\(pack) leaves less than \(least.inAmperes), which stay: "
                + "the house would be dark and the packs' exchange go on, \(cause)"
        case .settling(let cause): "\(cause); more must have stood for some minutes"
        case .empty(let pack, let cause): "\(pack) is empty, and a bank cannot take one pack off the bus: \(cause)"
        case .overload(let pack, let current, let limit):
            "\(pack) carried \(current.inAmperes) and may \(limit.inAmperes)"
        case .defiant(let pack): "\(pack) carries current though its BMS forbids it"
        case .sum(let packs): "sum of \(packs) packs"
        case .nobody: "no pack of the bank can take part"
        case .mismatch(let pack, let cells, let other, let otherCells):
            "\(pack) has \(cells) cells and \(other) has \(otherCells): they cannot be in parallel"
        case .chemistries(let pack, let chemistry, let other, let otherChemistry):
            "\(pack) is \(chemistry.rawValue.uppercased()) and \(other) is \(otherChemistry.rawValue.uppercased()): "
                + "they cannot be in parallel"
        }
    }
}

extension BankCause {
    /// Text about an exchange; empty where the exchange is too small to matter.
    private static func exchange(_ offset: Milliamperes) -> String {
        if offset.rawValue >= 500 { return ", of which \(offset.inAmperes) go to or from the other packs," }
        if offset.rawValue <= -500 {
            return ", and \(Milliamperes(-offset.rawValue).inAmperes) more for what flows between the packs,"
        }
        return ""
    }
}

extension Int {
    /// Thousandths as percent: "25 %".
    fileprivate var percent: String { "\((self + 5) / 10) %" }
}
