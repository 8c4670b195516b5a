import BMSCore

/// One pack in one direction of current: where it stands, and what it allows.
struct BankSide: Sendable {
    /// A BMS opens its relay within a second or two; what flows longer flows past it.
    private static let patience: Int64 = 5_000
    /// No current flows through an open contact, and no sensor shows so much of none.
    private static let leak = 500

    let direction: FlowDirection
    private(set) var standing = BankStanding.waiting
    /// Current that it allows while it counts, mA, with its cause.
    private(set) var bound: (value: Int, name: RuleName?, cause: Cause)?
    /// Current that it allowed when it was heard last, if it took part then.
    private(set) var last: Int?
    /// Its own limit is still on its way up from nothing: its bounds are looked at instead, or a pack that comes back
    /// would pull the bank down to the foot of its ramp.
    private var isReturning = false
    private var carriesSince: Timestamp?
    /// The pack carries current against its BMS.
    private var carries = false
    private var isRefused = false
    /// Its contact read open while it carried: until it reads closed it says nothing.
    private var isContactDisproved = false
    /// The pack is known to be off the bus: the file or its contact says so, and it carries nothing.
    private var isOff = false
    /// The pack may hang on the bus.
    var isAwaited: Bool { !isOff }
    /// Its contact alone says that it does not.
    var isOffByContact: Bool { isOff && standing == .open }

    init(_ direction: FlowDirection) { self.direction = direction }

    /// - Parameters:
    ///   - flow: what it carries in this direction, mA; 0 where that is not known.
    ///   - believesContact: `false` where contacts tell nothing in this bank.
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
        case .counted:
            if before != .counted { isReturning = true }
            bound = counted(member)
            last = bound?.value
        case .defiant:
            bound = (0, nil, .nothingKnown)
            last = 0
        case .open, .disconnected:
            bound = nil
            last = nil
        case .silent:
            // Its own rule of silence, for a bank of which nothing else is left.
            bound = member.limits.map {
                let lowest = $0.bounds.lowest(direction.kind)
                return ($0.value(direction.kind), lowest?.name, lowest?.cause ?? .nothingKnown)
            }
        case .waiting: bound = nil
        }
    }

    private mutating func stand(
        _ member: BankMember, _ freshness: Freshness, flow: Int, believesContact: Bool, at now: Timestamp
    ) -> BankStanding {
        if member.isDisconnected { return .disconnected }
        guard let limits = member.limits, freshness != .waiting else { return .waiting }
        guard freshness.isLive else { return .silent }
        let isRefused = !member.snapshot.permissions.contains(direction.permission)
        let newest = member.snapshot.newestStatus
        // After a silence permission must be earned anew: the first frame that has it is no refusal.
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
            return .counted
        }
        noteFlow(flow, above: isRefused ? threshold(member, limits) : Self.leak, at: now)
        if isRefused { return carries ? .defiant : .open }
        return isContactDisproved ? .counted : .open
    }

    /// A refusal has five seconds to take effect, whatever flowed before it. Where it had none, the contact says nothing later.
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
        // Until it is permitted again: stopping the current would only hide it.
        if isRefused { carries = true } else { isContactDisproved = true }
    }

    /// Position of the contact by key 16; `nil`: it was not told, or too long ago.
    static func isContactClosed(_ member: BankMember, _ direction: FlowDirection) -> Bool? {
        member.snapshot.keys.secondStatus.map { $0.contains(direction.contact) }
    }

    /// Above it a pack carries current; a pack that its BMS calls full may still take the tail of a charge.
    private func threshold(_ member: BankMember, _ limits: Limits) -> Int {
        let capacity = max(0, member.snapshot.capacity?.rawValue ?? 0)
        let isFull = direction == .charge && (limits.state == .full || limits.state == .float || limits.isChargeEnded)
        return isFull ? 1_000 + capacity / 20 : max(1_500, capacity / 50)
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
