import BMSCore

/// The packs' currents, looked at once a second: steps of the load teach marginal shares, and a steady load shows the current that the
/// packs exchange in addition to their shares. A pack above its limit shows in each step.
///
/// I_k = share x I_total + exchange, so a pack reaches its limit L where I_total = (L - exchange) / share.
///
/// Example: pack b is allowed 5.5 A and has a share of 0.50; at rest it takes 5 A from pack a: its exchange is -5 A. The bank may discharge
/// (5.5 + 5) / 0.50 = 21 A: b then gives 5.5 A.
struct CurrentSharing: Sendable {
    private static let interval: Int64 = 950
    /// Milliseconds up to which a current counts as present, and milliseconds for which a current holds until the next frame.
    private static let frameAge: Int64 = 1_500
    private static let holdTime: Int64 = 10_000
    /// Step of the BMS's current above 20 A, mA; below 20 A it is a tenth of that.
    private static let grain = 1_250.0
    /// Factor above a pack's limit from which its current is not noise.
    private static let tolerance = 1.02
    /// Longest time between two steady loads, ms, because after that the exchange has moved, too; a step that is four times as large as
    /// the smallest may take the longer time.
    private static let stepTime: Int64 = 20_000
    private static let largeStepTime: Int64 = 45_000
    /// Milliseconds up to which a step counts in full.
    private static let quickStepTime = 10_000.0
    /// Milliseconds after a pack has joined in which the packs exchange current that says nothing of their shares.
    private static let settlingTime: Int64 = 30_000
    private static let startTime: Int64 = 15_000
    /// Milliseconds after which an inverter that obeys has come down to a limit.
    private static let obeyTime: Int64 = 6_000
    /// Seconds in which an exchange that raises a limit is believed: a load that comes and goes would otherwise make the limit saw.
    private static let fadeSeconds = 30.0

    /// Learned shares.
    private(set) var shares: ShareEstimator
    /// Current that a pack carries in addition to its share in a direction, mA: packs at different charge exchange current among
    /// themselves.
    private(set) var exchanges: PerDirection<[Double]>
    /// Packs that are or were above their limits.
    private(set) var overloads: PerDirection<[Int: Overload]> = PerDirection { _ in [:] }
    private var window = FlowWindow()
    private var stand: FlowWindow.Plateau?
    private var set: [Int] = []
    private var seen: [Int] = []
    private var setAt: Timestamp?
    private var begunAt: Timestamp?
    private var isRebasing = true
    /// Capacity of the packs that take part, mAh.
    private(set) var capacity = 0.0
    private var lookedAt: Timestamp?
    /// Limits of the last seconds, mA.
    private var published: PerDirection<[(value: Double, at: Timestamp)]> = PerDirection { _ in [] }

    init(count: Int, shares known: [BankShare?] = []) {
        shares = ShareEstimator(count: count, remembered: known.map { $0?.discharge ?? $0?.charge })
        // The first steady load shows the exchanges again; until then the exchanges from before a short stop hold, where they lower a
        // limit.
        exchanges = PerDirection { direction in
            (0..<count).map { pack in
                let share = known.indices.contains(pack) ? known[pack] : nil
                let exchange = direction == .charge ? share?.chargeExchange : share?.dischargeExchange
                return exchange.flatMap { BankShare.exchanges.contains($0) ? max(0, $0) : nil } ?? 0
            }
        }
    }

    /// Forgets measurements of other packs.
    mutating func forgetShares() {
        let count = exchanges.charge.count
        shares = ShareEstimator(count: count)
        exchanges = PerDirection { _ in [Double](repeating: 0, count: count) }
        window.forget()
        stand = nil
        isRebasing = true
    }

    /// Takes the limits that were published, mA.
    mutating func note(published limits: Limits.Levels, at now: Timestamp) {
        for direction in FlowDirection.allCases {
            let recent = published[direction].filter { (0...Self.obeyTime).contains(now - $0.at) }
            published[direction] = recent + [(Double(limits.value(direction.kind)), now)]
        }
    }

    /// Takes the capacities of all packs, any unit, and their conductances where all are learned.
    mutating func note(capacities: [Double], conductances: [Double]?) {
        shares.note(capacities: capacities, conductances: conductances)
    }

    /// Takes the packs' currents.
    ///
    /// - Parameters:
    ///   - taking: packs that take part in either direction.
    ///   - capacity: the capacity of these packs together, mAh.
    ///   - limits: current that each pack is allowed to carry, mA; `nil` where it takes no part in that direction.
    mutating func step(
        _ flows: [PackFlow], taking: [Int], capacity: Double, limits: PerDirection<[Int?]>, at now: Timestamp
    ) {
        let held = flows.map { $0.current(within: Self.holdTime, at: now) }
        self.capacity = capacity
        let visible = taking.filter { held[$0] != nil }
        if taking != set || visible != seen { join(taking, visible, at: now) }
        let currents = flows.indices.map { visible.contains($0) ? Double(held[$0] ?? 0) : 0 }
        let sides = PerDirection { direction in taking.filter { limits[direction][$0] != nil } }
        for direction in FlowDirection.allCases {
            noteOverloads(direction, sides[direction], flows, currents, limits[direction], at: now)
        }
        if let lookedAt, now - lookedAt < Self.interval, now >= lookedAt { return }
        // Each look needs a new frame of each pack: old currents would be taken for steady ones.
        guard lookedAt.map({ look in visible.allSatisfy { flows[$0].measuredAt.map { $0 > look } ?? false } }) ?? true
        else { return }
        let seconds = Double(min(5_000, max(0, lookedAt.map { now - $0 } ?? 1_000))) / 1000
        lookedAt = now
        guard !visible.isEmpty, let (plateau, isCalm) = window.take(currents, seconds: seconds, at: now) else { return }
        if isCalm { learn(from: plateau, visible, capacity: capacity, at: now) }
        for direction in FlowDirection.allCases {
            release(direction, sides[direction], plateau, limits[direction], at: now)
            noteExchange(direction, sides, plateau, seconds)
        }
        isRebasing = false
    }

    private mutating func join(_ taking: [Int], _ visible: [Int], at now: Timestamp) {
        window.forget()
        stand = nil
        overloads = PerDirection { _ in [:] }
        // Packs that are heard one after the other at the start were in parallel before.
        let begun = begunAt ?? now
        begunAt = begun
        setAt = now - begun < Self.startTime ? nil : now
        (set, seen) = (taking, visible)
        isRebasing = true
    }

    /// Learns from a step between two steady loads: it shows how much of the step each pack takes.
    private mutating func learn(
        from plateau: FlowWindow.Plateau, _ visible: [Int], capacity: Double, at now: Timestamp
    ) {
        let before = stand
        stand = plateau
        guard let before else { return }
        if let setAt, now - setAt < Self.settlingTime { return }
        let steps = visible.map { (pack: $0, step: plateau.currents[$0] - before.currents[$0]) }
        let isCoarse = visible.contains { max(abs(plateau.currents[$0]), abs(before.currents[$0])) > 20_000 }
        let least = max(isCoarse ? 8 * Self.grain : 4_000, capacity / 40)
        let time = abs(plateau.total - before.total) >= 4 * least ? Self.largeStepTime : Self.stepTime
        guard (0...time).contains(now - before.at) else { return }
        let weight = min(1, Self.quickStepTime / Double(max(1, now - before.at)))
        if shares.learn(steps, least: least, weight: weight) { isRebasing = true }
    }

    /// The bank's current in a direction, mA. Where a pack has no sensor, the current follows from the share of the other packs, and it is
    /// not above the limit that is obeyed.
    private func total(_ direction: FlowDirection, _ currents: [Double]) -> Double {
        let known = direction.sign * currents.reduce(0, +)
        guard seen.count < set.count, known > 0 else { return known }
        let share = seen.reduce(0) { $0 + shares.measured($1, among: set) }
        let limit = published[direction].map(\.value).max() ?? .infinity
        return max(known, min(known / share, limit))
    }

    /// A pack above its limit lowers the bank by the excess of the pack, divided by the larger of its measured share and its share by
    /// capacity: too small a share would take off several times too much, and the exchange would reverse.
    private mutating func noteOverloads(
        _ direction: FlowDirection, _ side: [Int], _ flows: [PackFlow], _ currents: [Double], _ limits: [Int?],
        at now: Timestamp
    ) {
        let total = total(direction, currents)
        guard total > 0 else { return }
        for pack in side {
            guard let limit = limits[pack], limit > 0, let fresh = flows[pack].current(within: Self.frameAge, at: now)
            else { continue }
            let current = direction.sign * Double(fresh)
            let grain = current > 20_000 ? Self.grain : Self.grain / 10
            guard current > Double(limit) * Self.tolerance + grain else { continue }
            if seen.count < set.count { shares.prove(current / total, of: pack) }
            let share = max(shares.measured(pack, among: side), shares.byCapacity(pack, among: side))
            let bound = total - (current - Double(limit)) / share
            overloads[direction][pack] = Overload(bound: bound, current: current, seenAt: now)
        }
    }

    /// A steady load with the pack below its limit has shown the exchange of the pack: its share binds from now on.
    private mutating func release(
        _ direction: FlowDirection, _ side: [Int], _ plateau: FlowWindow.Plateau, _ limits: [Int?], at now: Timestamp
    ) {
        for (pack, overload) in overloads[direction] {
            guard limits[pack] != nil else {
                overloads[direction][pack] = nil
                continue
            }
            guard now - overload.seenAt >= 3_000 || now < overload.seenAt else { continue }
            overloads[direction][pack] = nil
            let exchange = exchange(direction, pack, side, plateau)
            exchanges[direction][pack] = max(exchanges[direction][pack], exchange)
        }
    }

    private func exchange(
        _ direction: FlowDirection, _ pack: Int, _ side: [Int], _ plateau: FlowWindow.Plateau
    ) -> Double {
        let share = shares.share(of: pack, among: side)
        let exchange = direction.sign * plateau.currents[pack] - share * total(direction, plateau.currents)
        // Nobody knows how much of the exchange the packs without a sensor take.
        return seen.count < set.count ? max(0, exchange) : exchange
    }

    private mutating func noteExchange(
        _ direction: FlowDirection, _ sides: PerDirection<[Int]>, _ plateau: FlowWindow.Plateau, _ seconds: Double
    ) {
        // A pack that lets current through one way only shows nothing while current flows the other way.
        guard sides.charge == sides.discharge || direction.sign * plateau.total > -4_000 else { return }
        for pack in sides[direction] where seen.contains(pack) {
            let measured = exchange(direction, pack, sides[direction], plateau)
            let old = exchanges[direction][pack]
            let grain = abs(plateau.currents[pack]) > 20_000 ? Self.grain : Self.grain / 10
            if isRebasing {
                exchanges[direction][pack] = measured
            } else if measured > old + grain / 2, overloads[direction][pack] == nil {
                exchanges[direction][pack] = old + (measured - old) / 2
            } else if measured < old - grain {
                exchanges[direction][pack] = old + (measured + grain - old) * min(1, seconds / Self.fadeSeconds)
            }
        }
    }
}
