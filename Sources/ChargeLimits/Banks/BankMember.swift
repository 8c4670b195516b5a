public import BMSCore

/// Bounds of a bank beside its packs: cables, busbars and the inverter are shared.
public struct BankConfiguration: Hashable, Sendable {
    /// Ceiling of the bank's charge current; `nil`: by the packs alone.
    public var maximumChargeCurrent: Milliamperes?
    /// Ceiling of the bank's discharge current; `nil`: by the packs alone.
    public var maximumDischargeCurrent: Milliamperes?
    /// Rating of the fuse that all packs share.
    public var fuse: Milliamperes?
    /// Ages at which data turns stale.
    public var freshness = FreshnessTimes()

    /// No ceiling.
    public init() {}
}

/// One pack of a bank, as of now.
public struct BankMember: Sendable {
    /// How reasons name it.
    public var name: String
    /// Knowledge of the pack.
    public var snapshot: PackSnapshot
    /// Its own limits; `nil` before its first believed frame.
    public var limits: Limits?
    /// The owner says that it hangs on no cable of the bank.
    public var isDisconnected: Bool

    /// A pack.
    public init(name: String, snapshot: PackSnapshot, limits: Limits?, isDisconnected: Bool = false) {
        self.name = name
        self.snapshot = snapshot
        self.limits = limits
        self.isDisconnected = isDisconnected
    }
}

/// Where a pack stands in its bank, for one direction of current.
public enum BankStanding: Hashable, Sendable {
    /// The pack was not heard since the start.
    case waiting
    /// The pack takes its share, and its limits bind.
    case counted
    /// Its contact reads open, or its BMS forbids the direction, and it carries nothing: it counts zero.
    case open
    /// Its BMS forbids the direction and it carries current none the less: it holds the bank at zero.
    case defiant
    /// No good frame: it counts zero, though it may still carry its share.
    case silent
    /// The owner says that it is not connected.
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
