import BMSCore

/// One pack in one direction of current: its standing, and the current that it allows.
struct BankSide: Sendable {
    /// Milliseconds after which a current flows past the relay: a BMS opens its relay within a second or two.
    private static let patience: Int64 = 5_000
    /// Current above which a contact is not open, mA: no current flows through an open contact, and no sensor shows so much where none
    /// flows.
    private static let leak = 500

    let direction: FlowDirection
    private(set) var standing = MembershipState.waiting
    /// Current that the pack allows while it counts, mA, with its cause.
    private(set) var bound: (value: Int, name: RuleName?, cause: Cause)?
    /// Current that the pack allowed when it was heard last, if it took part then.
    private(set) var last: Int?
    /// The pack's own limit is still rising from zero. Its bounds are used instead, because a pack that comes back would otherwise pull the
    /// bank down to the foot of its ramp.
    private(set) var isReturning = false
    private var carriesSince: Timestamp?
    /// The pack carries current against its BMS.
    private var carries = false
    private var isRefused = false
    /// The contact read open while the pack carried current: until it reads closed, it proves nothing.
    private var isContactDisproved = false
    /// The pack is known to be off the bus: the file or its contact says so, and it carries nothing.
    private var isOff = false
    /// The pack may be connected to the bus.
    var isAwaited: Bool { !isOff }
    /// The contact alone says that the pack is off the bus.
    var isOffByContact: Bool { isOff && standing == .open }

    init(_ direction: FlowDirection) { self.direction = direction }

    /// - Parameters:
    ///   - flow: current that the pack carries in this direction, mA; 0 where it is not known.
    ///   - believesContact: `false` where contacts prove nothing in this bank.
    mutating func step(
        _ member: BankMember, _ freshness: Freshness, flow: Int, believesContact: Bool, at now: Timestamp
    ) {
        let before = standing
        standing = stand(member, freshness, flow: flow, believesContact: believesContact, at: now)
        // A contact that was open when the pack fell silent proves nothing later.
        isOff =
            standing == .disconnected
            || (standing == .open && believesContact && Self.isContactClosed(member, direction) == false)
        switch standing {
        case .active:
            if before != .active { isReturning = true }
            bound = counted(member)
            last = bound?.value
        case .ignoringBMS:
            bound = (0, nil, .nothingKnown)
            last = 0
        case .open, .disconnected:
            bound = nil
            last = nil
        case .silent:
            // The pack's own rule of silence counts, for a bank in which no other pack is left.
            bound = member.limits.map {
                let lowest = $0.bounds.lowest(direction.kind)
                return ($0.value(direction.kind), lowest?.name, lowest?.cause ?? .nothingKnown)
            }
        case .waiting: bound = nil
        }
    }

    private mutating func stand(
        _ member: BankMember, _ freshness: Freshness, flow: Int, believesContact: Bool, at now: Timestamp
    ) -> MembershipState {
        if member.isDisconnected { return .disconnected }
        guard let limits = member.limits, freshness != .waiting else { return .waiting }
        guard freshness.isLive else { return .silent }
        let isRefused = !member.snapshot.permissions.contains(direction.permission)
        let newest = member.snapshot.newestStatus
        // After a silence permission must be earned again: the first frame that has it is not a refusal.
        if isRefused, standing == .silent, newest.contains(direction.permission), !newest.contains(.noCellCommunication)
        {
            return .silent
        }
        let isClosed = Self.isContactClosed(member, direction)
        noteRefusal(isRefused)
        if isClosed == true { isContactDisproved = false }
        let isContactOpen = believesContact && isClosed == false && !isContactDisproved
        guard isRefused || isContactOpen else {
            carriesSince = nil
            carries = false
            return .active
        }
        noteFlow(flow, above: isRefused ? threshold(member, limits) : Self.leak, at: now)
        if isRefused { return carries ? .ignoringBMS : .open }
        return isContactDisproved ? .active : .open
    }

    /// Notes a refusal: it has five seconds to take effect, whatever flowed before it. Where it had no effect, the contact proves nothing
    /// later.
    private mutating func noteRefusal(_ isNow: Bool) {
        if isNow, !isRefused {
            carriesSince = nil
            carries = false
        } else if !isNow, isRefused, carries {
            isContactDisproved = true
        }
        isRefused = isNow
    }

    private mutating func noteFlow(_ flow: Int, above least: Int, at now: Timestamp) {
        guard flow > least else {
            carriesSince = nil
            return
        }
        let since = carriesSince ?? now
        carriesSince = since
        guard now - since >= Self.patience else { return }
        // The finding holds until the direction is permitted again: stopping the current would only hide it.
        if isRefused { carries = true } else { isContactDisproved = true }
    }

    /// The contact is closed, by key 16; `nil` where the BMS did not send its position, or sent it too long ago.
    static func isContactClosed(_ member: BankMember, _ direction: FlowDirection) -> Bool? {
        member.snapshot.keys.secondStatus.map { $0.contains(direction.contact) }
    }

    /// Current above which a pack counts as carrying current, mA; a pack that its BMS calls full may still take the tail of a charge.
    private func threshold(_ member: BankMember, _ limits: Limits) -> Int {
        let capacity = max(0, member.snapshot.capacity?.rawValue ?? 0)
        let isFull = direction == .charge && (limits.state == .full || limits.state == .float || limits.isChargeEnded)
        return isFull ? 1_000 + capacity / 20 : max(1_500, capacity / 50)
    }

    /// The pack as its own limit is, with the ramp; while it does not take part, as it is.
    func withOwnRamp(_ member: BankMember) -> BankSide {
        var side = self
        if standing == .active, let limits = member.limits { side.bound?.value = limits.value(direction.kind) }
        return side
    }

    private mutating func counted(_ member: BankMember) -> (value: Int, name: RuleName?, cause: Cause)? {
        guard let limits = member.limits else { return nil }
        let value = limits.value(direction.kind)
        let lowest = limits.bounds.lowest(direction.kind)
        let allowed = lowest?.value ?? value
        // A ramp stops short of its goal by up to a twentieth or an ampere.
        if value >= allowed - max(1_500, allowed / 20) { isReturning = false }
        return (isReturning ? max(value, allowed) : value, lowest?.name, lowest?.cause ?? .nothingKnown)
    }
}

extension Limits {
    /// The BMS ended the charge itself: no fault.
    var isChargeEnded: Bool { bounds.contains { $0.cause.isEndOfCharge == true } }
}
