public import BMSCore

/// The limits of packs in parallel, each with its own BMS, as one battery.
///
/// CVL is the lowest of the packs' CVLs. CCL and DCL are the lowest of (limit - exchange) / share over the packs that take part, and never
/// above the sum of their limits. A pack's share of a change of the current, and the current that it exchanges in addition to its share,
/// are measured. A pack that is silent, or kept off by its BMS, counts as zero and its share is given to nobody: the other packs are never
/// asked for more than they carry without it. A pack that is merely silent may still take its share, so the current that it allowed last
/// still binds, its CVL of silence holds the bank, and no pack floats. A pack that is known to be disconnected does none of that.
///
/// Example: four packs of 100 A, equal shares: 400 A; one silent or open: 300 A, 75 A each if it still takes part and 100 A
/// each if it does not.
public struct BankCalculator: Sendable {
    /// Milliseconds up to which a current counts as present: frames come once a second.
    private static let frameAge: Int64 = 1_500

    /// The bank's own bounds.
    public var configuration: BankConfiguration
    private var sides: [[BankSide]]
    private var flow: CurrentSharing
    private var gates = PerDirection { _ in RiseGate() }
    private var publisher = LimitPublisher()
    private var startedAt: Timestamp?
    private var steppedAt: Timestamp?
    private var newest: [Timestamp?]
    /// Capacities with which the shares were measured: those that the BMSs send, and until a pack is heard, that of an earlier calculator's
    /// memory.
    private var capacities: [WattHours?]

    /// A calculator for so many packs, always passed in the same order.
    ///
    /// - Parameter shares: the shares of the packs that an earlier calculator had measured.
    public init(
        _ configuration: BankConfiguration = BankConfiguration(), packs count: Int, shares: [BankShare?] = []
    ) {
        self.configuration = configuration
        let count = max(0, count)
        sides = (0..<count).map { _ in FlowDirection.allCases.map { BankSide($0) } }
        flow = CurrentSharing(count: count, shares: shares)
        newest = [Timestamp?](repeating: nil, count: count)
        capacities = (0..<count).map { shares.indices.contains($0) ? shares[$0]?.capacity : nil }
    }

    /// Standing of a pack for charging.
    public func chargeStanding(_ pack: Int) -> MembershipState { sides[pack][0].standing }
    /// Standing of a pack for discharging.
    public func dischargeStanding(_ pack: Int) -> MembershipState { sides[pack][1].standing }

    /// By place: true when every other pack is full, because packs in parallel go to float together. No pack waits for a pack that is known
    /// to be off the bus.
    ///
    /// - Parameter limits: the packs' limits of the step before, by place.
    public func othersAreFull(_ limits: [Limits?]) -> [Bool] {
        let waiting = limits.indices.filter { place in
            let isFull = limits[place]?.state == .full || limits[place]?.state == .float
            return isAwaited(place) && !isFull
        }
        return limits.indices.map { waiting.isEmpty || waiting == [$0] }
    }

    /// Float waits for a pack unless the pack is known to be disconnected.
    func isAwaited(_ place: Int) -> Bool { sides[place][0].isAwaited }

    /// The share of the bank's charge and discharge current that is assumed for a pack, thousandths; `nil` where the pack takes no part.
    public func shares(_ pack: Int) -> (charge: Int?, discharge: Int?) {
        func share(_ index: Int) -> Int? {
            let taking = taking(index)
            guard taking.contains(pack) else { return nil }
            return Int(flow.shares.share(of: pack, among: taking) * 1000)
        }
        return (share(0), share(1))
    }

    /// Measured share of a pack that should survive a restart, in the bank of that id; `nil` where nothing was measured yet, or where the
    /// pack's contact is open: after the restart the contact is not known for a turn of the keys, and the other packs would be asked for
    /// current that this pack does not carry.
    public func memory(of pack: Int, in bank: String) -> BankShare? {
        // A pack that has been silent since the start keeps its remembered share.
        guard let capacity = capacities[pack], !sides[pack].contains(where: \.isOffByContact) else { return nil }
        guard let share = flow.shares.memory(of: pack) else { return nil }
        var memory = BankShare(bank: bank, capacity: capacity, charge: share, discharge: share)
        memory.chargeExchange = flow.exchanges.charge[pack]
        memory.dischargeExchange = flow.exchanges.discharge[pack]
        return memory
    }

    /// The bank's limits at `now`; `nil` until every connected pack was heard, or the time of staleness has passed, or where
    /// no pack was ever heard.
    ///
    /// - Parameter members: all packs, as many as at the start, in the same order.
    public mutating func step(_ members: [BankMember], at now: Timestamp) -> Limits? {
        guard members.count == sides.count else { return nil }
        let started = startedAt ?? now
        startedAt = started
        let ages = members.map { configuration.freshness.freshness(of: $0.snapshot.linkAt, at: now) }
        for (index, _) in FlowDirection.allCases.enumerated() { stand(members, ages, side: index, at: now) }
        look(members, at: now)
        let isComplete = members.indices.allSatisfy { sides[$0].allSatisfy { $0.standing != .waiting } }
        let connected = members.indices.filter { members[$0].limits != nil && !members[$0].isDisconnected }
        guard !connected.isEmpty,
            isComplete || now - started > configuration.freshness.stale || publisher.published != nil
        else {
            return nil
        }
        // A step without a new frame lowers limits, but raises none.
        let hasNews = connected.contains { members[$0].snapshot.linkAt != newest[$0] }
        let isDistrusted = connected.contains {
            FreshnessTimes.isDistrusted(members[$0].snapshot.damagedAt, at: now)
        }
        let hasFrame = hasNews && connected.allSatisfy { ages[$0] != .holding }
        newest = members.map(\.snapshot.linkAt)
        let limits = publish(members, connected, ages, hasFrame: hasFrame, isDistrusted: isDistrusted, at: now)
        flow.note(published: limits.levels, at: now)
        steppedAt = hasNews || steppedAt == nil ? now : steppedAt
        return limits
    }

    /// Goes on from another calculator of this bank, whose packs may be others.
    ///
    /// - Parameter places: by place here, the pack's place there; `nil`: it is new.
    public mutating func goOn(from before: BankCalculator, places: [Int?]) {
        guard places.count == sides.count, places.allSatisfy({ $0.map(before.sides.indices.contains) ?? true }) else {
            return
        }
        (publisher, startedAt, steppedAt) = (before.publisher, before.startedAt, before.steppedAt)
        if places == before.sides.indices.map({ $0 }) {
            (flow, gates, capacities) = (before.flow, before.gates, before.capacities)
        }
        for (place, old) in places.enumerated() {
            guard let old else { continue }
            (sides[place], newest[place]) = (before.sides[old], before.newest[old])
        }
    }

    private mutating func stand(_ members: [BankMember], _ ages: [Freshness], side: Int, at now: Timestamp) {
        let direction = FlowDirection.allCases[side]
        // Where no contact reads closed, contacts are not wired: a BMS that forbids current must not take the other packs with it. The last
        // word of a silent pack also proves that contacts are wired.
        let isTelling = members.contains { !$0.isDisconnected && BankSide.isContactClosed($0, direction) == true }
        for index in members.indices {
            let flow = current(members[index], at: now).map(direction.flow) ?? 0
            sides[index][side].step(members[index], ages[index], flow: flow, believesContact: isTelling, at: now)
        }
    }

    /// A pack's current, unless it is older than a frame: without its cell boards a BMS is heard, but not believed.
    private func current(_ member: BankMember, at now: Timestamp) -> Milliamperes? {
        guard let measuredAt = member.snapshot.measuredAt, (0...Self.frameAge).contains(now - measuredAt) else {
            return nil
        }
        return member.snapshot.measurements?.current
    }

    /// Compares capacities. A pack of another capacity is another pack: measurements with the old one say nothing of any share.
    private mutating func compare(_ members: [BankMember]) {
        for index in members.indices {
            guard let capacity = members[index].snapshot.settings?.capacity else { continue }
            if let old = capacities[index], old != capacity { flow.forgetShares() }
            capacities[index] = capacity
        }
    }

    private mutating func look(_ members: [BankMember], at now: Timestamp) {
        compare(members)
        let part = members.indices.filter { index in
            sides[index].contains { $0.standing == .active || $0.standing == .ignoringBMS }
        }
        let capacities = members.map { Double(max(0, $0.snapshot.capacity?.rawValue ?? 0)) }
        flow.note(capacities: capacities, conductances: Self.conductances(members))
        flow.step(
            members.map { Self.flow($0) }, taking: part, capacity: part.reduce(0) { $0 + capacities[$1] },
            limits: PerDirection { direction in
                let side = direction == .charge ? 0 : 1
                return members.indices.map {
                    sides[$0][side].standing == .active ? sides[$0][side].bound?.value : nil
                }
            }, at: now)
    }

    /// A pack's newest current, with the time of its measurement.
    private static func flow(_ member: BankMember) -> PackFlow {
        PackFlow(current: member.snapshot.measurements?.current?.rawValue, measuredAt: member.snapshot.measuredAt)
    }

    /// 1 / resistance of each pack, where each has learned its own.
    private static func conductances(_ members: [BankMember]) -> [Double]? {
        let learned = members.compactMap { member -> Double? in
            guard let resistance = member.limits?.resistance, resistance.source == .learned, resistance.used > 0 else {
                return nil
            }
            return 1 / Double(resistance.used)
        }
        return learned.count == members.count ? learned : nil
    }

    /// Packs whose limits bind in a direction; where none is left, the silent packs with their own rule of silence.
    private func taking(_ side: Int) -> [Int] {
        let counted = sides.indices.filter {
            sides[$0][side].standing == .active || sides[$0][side].standing == .ignoringBMS
        }
        return counted.isEmpty ? silent(side) : counted
    }

    private func silent(_ side: Int) -> [Int] { sides.indices.filter { sides[$0][side].standing == .silent } }

    private func bounds(_ members: [BankMember], side: Int, _ sides: [BankSide], taking: [Int]) -> BankBounds {
        BankBounds(
            direction: FlowDirection.allCases[side], members: members, sides: sides, flow: flow, taking: taking,
            silent: silent(side))
    }

    /// The level at which a bank begins among packs whose own limits still rise, mA: what it could ask for without them; where all
    /// rise, what they allow already. `nil`: none does.
    private func start(_ members: [BankMember], side: Int, at now: Timestamp) -> Int? {
        let taking = taking(side)
        let ready = taking.filter { !sides[$0][side].isReturning }
        guard ready.count < taking.count else { return nil }
        let own = sides.indices.map { sides[$0][side].withOwnRamp(members[$0]) }
        var gate = RiseGate()
        let bounds = bounds(members, side: side, own, taking: ready.isEmpty ? taking : ready).all(&gate, at: now)
        return bounds.lowest(FlowDirection.allCases[side].kind)?.value
    }

    /// Begins the limits of a bank that has published none.
    private mutating func begin(_ members: [BankMember], under bounds: [Bound], at now: Timestamp) {
        let starts = FlowDirection.allCases.indices.map { start(members, side: $0, at: now) }
        guard starts.contains(where: { $0 != nil }) else { return }
        func level(_ kind: LimitKind, _ start: Int?) -> Int {
            let goal = bounds.lowest(kind)?.value ?? 0
            return start.map { min($0, goal) } ?? goal
        }
        publisher.begin(
            at: Limits.Levels(
                cvl: Millivolts(level(.cvl, nil)), ccl: Milliamperes(level(.ccl, starts[0])),
                dcl: Milliamperes(level(.dcl, starts[1]))))
    }

    /// The charge voltages of all packs that may be connected to the bus.
    private func voltages(_ members: [BankMember], _ connected: [Int], into bounds: inout [Bound]) {
        let isCharged = connected.filter { sides[$0][0].isAwaited }
        for index in isCharged.isEmpty ? connected : isCharged {
            guard let limits = members[index].limits else { continue }
            let name = members[index].name
            bounds.append(.cvl(limits.cvl, .pack, .bank(.voltage(pack: name, limits.why.cvl))))
        }
        guard let other = connected.first, let settings = members[other].snapshot.settings else { return }
        for index in members.indices where sides[index][0].standing == .waiting {
            let thresholds = EffectiveThresholds(settings, members[other].snapshot.chemistry).settings
            let safe = (thresholds.balanceVoltage - .safe) * thresholds.cellCount
            let name = members[index].name
            bounds.append(.cvl(safe, .pack, .bank(.unheard(pack: name))))
        }
    }

    private mutating func publish(
        _ members: [BankMember], _ connected: [Int], _ ages: [Freshness], hasFrame: Bool, isDistrusted: Bool,
        at now: Timestamp
    ) -> Limits {
        var bounds: [Bound] = []
        voltages(members, connected, into: &bounds)
        for (side, direction) in FlowDirection.allCases.enumerated() {
            bounds += self.bounds(members, side: side, sides.map { $0[side] }, taking: taking(side))
                .all(&gates[direction], at: now)
        }
        if let charge = configuration.maximumChargeCurrent { bounds.append(.ccl(charge, .userCap, .chargeCap(charge))) }
        if let discharge = configuration.maximumDischargeCurrent {
            bounds.append(.dcl(discharge, .userCap, .dischargeCap(discharge)))
        }
        if let fuse = configuration.fuse { bounds += [.ccl(fuse, .fuse, .fuse(fuse)), .dcl(fuse, .fuse, .fuse(fuse))] }
        if let cause = Self.mismatch(members, connected) {
            bounds += FlowDirection.allCases.map { $0.bound(0, .mismatch, cause) }
        }
        if publisher.published == nil { begin(members, under: bounds, at: now) }
        // A pack that is known to be off the bus does not count while another pack may be connected to it.
        let onBus = connected.filter { sides[$0].contains(where: \.isAwaited) }
        let live = (onBus.isEmpty ? connected : onBus).filter { ages[$0].isLive }
        let capacity = live.reduce(0.0) { $0 + Double(members[$1].snapshot.capacity?.rawValue ?? 0) }
        let cells = Double(members[connected[0]].snapshot.settings?.cellCount ?? 0)
        let elapsed = Double(min(5_000, max(0, steppedAt.map { now - $0 } ?? 0))) / 1000
        let (levels, why) = publisher.publish(
            bounds,
            LimitPublisher.Step(
                now: now, hasFrame: hasFrame, isDistrusted: isDistrusted, elapsed: elapsed,
                slew: PerLimit(cvl: 1.25 * cells, ccl: 0.01 * capacity, dcl: 0.02 * capacity), isVoltageFinal: true))
        return Limits(
            levels, why: why, bounds: bounds, live.isEmpty ? connected : live, members, isStale: live.isEmpty)
    }

    /// The reason why packs cannot be in parallel, by the data of their BMSs; `nil` where they can.
    private static func mismatch(_ members: [BankMember], _ connected: [Int]) -> BankCause? {
        guard let first = connected.first, let settings = members[first].snapshot.settings else { return nil }
        for index in connected.dropFirst() {
            let (member, other) = (members[index], members[first])
            guard let cells = member.snapshot.settings?.cellCount else { continue }
            if cells != settings.cellCount {
                return .mismatch(pack: other.name, cells: settings.cellCount, other: member.name, otherCells: cells)
            }
            if let one = other.snapshot.chemistry, let two = member.snapshot.chemistry, one != two {
                return .chemistries(pack: other.name, one, other: member.name, two)
            }
        }
        return nil
    }
}

extension Limits {
    /// The limits of a bank. Values that are not ramped are the most careful of the packs' values; the resistances are those of the packs
    /// in parallel.
    fileprivate init(
        _ levels: Levels, why: PerLimit<Reason>, bounds: [Bound], _ packs: [Int], _ members: [BankMember],
        isStale: Bool
    ) {
        let limits = packs.compactMap { members[$0].limits }
        let order: [ChargeState] = [.bulk, .absorption, .balancing, .full, .float]
        let state =
            isStale ? ChargeState.stale : order.first { state in limits.contains { $0.state == state } } ?? .stale
        func parallel(_ values: [Int]) -> Int {
            let sum = values.reduce(0.0) { $0 + 1 / Double(max(1, $1)) }
            return sum > 0 ? Int(1 / sum) : 0
        }
        let measured = limits.compactMap(\.resistance.measured)
        let resistance = PackResistance(
            used: parallel(limits.map(\.resistance.used)),
            measured: !measured.isEmpty && measured.count == limits.count ? parallel(measured) : nil,
            steps: limits.map(\.resistance.steps).min() ?? 0,
            source: limits.allSatisfy { $0.resistance.source == .learned } ? .learned : .chemistry)
        self.init(
            levels, state: state, cellCeiling: limits.map(\.cellCeiling).min() ?? .zero,
            lowVoltage: limits.map(\.lowVoltage).max() ?? .zero, resistance: resistance, why: why, bounds: bounds,
            isChargeRequested: limits.contains(where: \.isChargeRequested))
    }
}
