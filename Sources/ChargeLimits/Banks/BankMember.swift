public import BMSCore

/// Bounds of a bank in addition to its packs': cables, busbars and the inverter are shared.
public struct BankConfiguration: Hashable, Sendable {
    /// Ceiling of the bank's charge current; `nil` where the packs alone decide.
    public var maximumChargeCurrent: Milliamperes?
    /// Ceiling of the bank's discharge current; `nil` where the packs alone decide.
    public var maximumDischargeCurrent: Milliamperes?
    /// Rating of the fuse that all packs share.
    public var fuse: Milliamperes?
    /// Ages at which data turns stale.
    public var freshness = FreshnessTimes()

    /// Creates a configuration without ceilings.
    public init() {}
}

/// One pack of a bank, as of now.
public struct BankMember: Sendable {
    /// Name of the pack in reasons.
    public var name: String
    /// Knowledge of the pack.
    public var snapshot: PackSnapshot
    /// The pack's own limits; `nil` before its first believed frame.
    public var limits: Limits?
    /// The owner says that the pack is not connected to the bank.
    public var isDisconnected: Bool

    /// A pack.
    public init(name: String, snapshot: PackSnapshot, limits: Limits?, isDisconnected: Bool = false) {
        self.name = name
        self.snapshot = snapshot
        self.limits = limits
        self.isDisconnected = isDisconnected
    }
}

/// Membership of a pack in its bank, for one direction of current.
public enum MembershipState: String, Hashable, Sendable {
    /// The pack was not heard since the start.
    case waiting
    /// The pack takes its share, and its limits bind.
    case active = "counted"
    /// The pack's contact reads open, or its BMS forbids the direction, and the pack carries nothing: it counts as zero.
    case open
    /// The pack's BMS forbids the direction and the pack carries current nevertheless: it holds the bank at zero.
    case ignoringBMS = "defiant"
    /// The pack sends no good frame: it counts as zero, although it may still carry its share.
    case silent
    /// The owner says that the pack is not connected.
    case disconnected
}

/// A direction of current.
enum FlowDirection: CaseIterable {
    case charge
    case discharge

    var kind: LimitKind { self == .charge ? .ccl : .dcl }
    var permission: StatusFlags { self == .charge ? .chargeAllowed : .dischargeAllowed }
    var contact: SecondStatus { self == .charge ? .chargeRelayClosed : .loadRelayClosed }

    /// A battery current as it counts in this direction, mA.
    func flow(_ current: Milliamperes) -> Int { self == .charge ? current.rawValue : -current.rawValue }
}
