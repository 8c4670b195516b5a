import BMSCore

/// A pack that was found above its limit.
struct Overload: Sendable {
    /// The bank's current with which it would be at its limit, mA.
    var bound: Double
    /// What it carried, mA, and when that began and was seen last.
    var current: Double
    let since: Timestamp
    var seenAt: Timestamp
}

/// The packs' currents: calm ones teach shares, looked at once a second; a pack above its limit shows in each step.
///
/// Frames of different packs come within a second of each other, so a step of the load reaches one pack's numbers before
/// another's. Only a total that stood still for three looks says who carries what.
struct BankFlow: Sendable {
    private static let interval: Int64 = 950
    private static let looks = 3
    /// Above 20 A the BMS counts 1.25 A.
    private static let grain = 1_250.0
    /// Above its limit by so much, a pack's current is no noise.
    private static let tolerance = 1.02
    /// A pack that was above its limit is watched so long.
    private static let watchTime: Int64 = 120_000
    /// After a pack has joined or gone above its limit the packs exchange current, which says nothing of their shares.
    private static let settlingTime: Int64 = 60_000
    private static let peakSeconds = 60.0

    /// Learned shares, by ``FlowDirection``.
    private(set) var charge: ShareEstimator
    private(set) var discharge: ShareEstimator
    /// What a pack carries beyond its share, mA by direction: packs at different charge exchange current among themselves.
    private(set) var offsets: [[Double]]
    /// Packs that are or were above their limits, by direction.
    private(set) var overloads: [[Int: Overload]] = [[:], [:]]
    /// The largest calm total of late, by direction: after it a small current is mostly exchange between the packs.
    private var peaks = [0.0, 0.0]
    private var totals: [Double] = []
    private var set: [Int] = []
    private var lookedAt: Timestamp?

    init(count: Int, shares: [BankShare?] = []) {
        charge = ShareEstimator(count: count, remembered: shares.map { $0?.charge })
        discharge = ShareEstimator(count: count, remembered: shares.map { $0?.discharge })
        offsets = FlowDirection.allCases.map { _ in [Double](repeating: 0, count: count) }
    }

    /// What was measured before is of other packs.
    mutating func forgetShares() {
        charge = ShareEstimator(count: offsets[0].count)
        discharge = ShareEstimator(count: offsets[1].count)
    }

    func shares(_ direction: FlowDirection) -> ShareEstimator { direction == .charge ? charge : discharge }

    /// Takes the currents, mA, + charging; `nil` for a pack that has no sensor or is not heard.
    ///
    /// - Parameters:
    ///   - taking: packs that take part in either direction.
    ///   - limits: what each may carry, by direction; `nil`: it takes no part there.
    ///   - isMidway: no pack is near full.
    mutating func step(
        _ currents: [Int?], capacities: [Double], taking: [Int], limits: [[Int?]], isMidway: Bool, at now: Timestamp
    ) {
        let flows = taking.compactMap { pack in currents[pack].map { (pack: pack, flow: Double($0)) } }
        if taking != set {
            forget()
            set = taking
        }
        // A pack that is kept off in one direction says nothing of the shares there.
        let sides = limits.map { limits in flows.filter { limits[$0.pack] != nil } }
        // The others take part in what the packs exchange.
        let total = flows.reduce(0) { $0 + $1.flow }
        if flows.count == taking.count { noteOverloads(sides, total, limits, at: now) }
        if let lookedAt, now - lookedAt < Self.interval, now >= lookedAt { return }
        let seconds = Double(min(5_000, max(0, lookedAt.map { now - $0 } ?? 1_000))) / 1000
        lookedAt = now
        charge.note(capacities: capacities)
        discharge.note(capacities: capacities)
        guard flows.count == taking.count, !flows.isEmpty else {
            totals = []
            return
        }
        totals = totals.suffix(Self.looks - 1) + [total]
        let capacity = taking.reduce(0) { $0 + capacities[$1] }
        let isLarge = abs(total) >= max(4_000, capacity / 20)
        let spread = (totals.max() ?? 0) - (totals.min() ?? 0)
        let isCalm = totals.count == Self.looks && spread <= abs(total) / 10 + 2_000
        release(sides, total, limits, isCalm: isCalm, at: now)
        let isPeak = notePeak(total, least: capacity / 20, isCalm: isCalm, seconds)
        learn(
            sides, total, isTeaching: isLarge && isCalm && isPeak && !isSettling(at: now), isMidway: isMidway, seconds)
        if isCalm && isPeak { noteOffsets(sides, total, isLarge: isLarge) }
    }

    private mutating func forget() {
        totals = []
        overloads = [[:], [:]]
    }

    private func isSettling(at now: Timestamp) -> Bool {
        overloads.contains { $0.values.contains { now - $0.since < Self.settlingTime } }
    }

    /// Whether a total is large enough to say something beside those before it.
    private mutating func notePeak(_ total: Double, least: Double, isCalm: Bool, _ seconds: Double) -> Bool {
        for (index, flow) in [total, -total].enumerated() {
            peaks[index] = max(peaks[index] * max(0, 1 - seconds / Self.peakSeconds), isCalm ? flow : 0)
        }
        let peak = peaks.max() ?? 0
        return peak <= least || abs(total) >= peak / 2
    }

    private mutating func learn(
        _ sides: [[(pack: Int, flow: Double)]], _ total: Double, isTeaching: Bool, isMidway: Bool, _ seconds: Double
    ) {
        if isTeaching, total > 0 {
            charge.learn(sides[0], isMidway: isMidway, seconds: seconds)
        } else if total <= 0 {
            charge.rest(seconds: seconds)
        }
        if isTeaching, total < 0 {
            let opposite = sides[1].map { (pack: $0.pack, flow: -$0.flow) }
            discharge.learn(opposite, isMidway: isMidway, seconds: seconds)
        } else if total >= 0 {
            discharge.rest(seconds: seconds)
        }
        // Resistance divides a current the same way in both directions.
        charge.seed(from: discharge)
        discharge.seed(from: charge)
    }

    /// At rest and with current in the same direction: a share that was learned with the other says nothing here.
    private mutating func noteOffsets(_ sides: [[(pack: Int, flow: Double)]], _ total: Double, isLarge: Bool) {
        for (index, direction) in FlowDirection.allCases.enumerated() {
            let flows = sides[index]
            let packs = flows.map(\.pack)
            let sign = direction == .charge ? 1.0 : -1.0
            guard !isLarge || sign * total > 0 else { continue }
            for (pack, flow) in flows {
                let beyond = sign * (flow - shares(direction).measured(pack, among: packs) * total)
                let change = max(0, beyond - Self.grain) - offsets[index][pack]
                // Believed soon and forgotten slowly, or a load that comes and goes would make the limit saw; but what the
                // share of a large current has taken in is not counted twice.
                offsets[index][pack] += change / (change > 0 || isLarge ? 2 : 30)
            }
        }
    }

    /// A pack above its limit, and the bank's current as it would be with the pack at its limit: what is taken off the bank
    /// is taken off the pack by its share, while what the packs exchange remains.
    private mutating func noteOverloads(
        _ sides: [[(pack: Int, flow: Double)]], _ total: Double, _ limits: [[Int?]], at now: Timestamp
    ) {
        for (index, direction) in FlowDirection.allCases.enumerated() {
            let flows = sides[index]
            let sign = direction == .charge ? 1.0 : -1.0
            guard sign * total > 0 else { continue }
            for (pack, flow) in flows {
                guard let limit = limits[index][pack], limit > 0 else { continue }
                let current = sign * flow
                let grain = current > 20_000 ? Self.grain : Self.grain / 10
                guard current > Double(limit) * Self.tolerance + grain else { continue }
                let bound = bound(direction, pack, limit, flows, total)
                var overload =
                    overloads[index][pack] ?? Overload(bound: bound, current: current, since: now, seenAt: now)
                overload.bound = min(overload.bound, bound)
                overload.current = current
                overload.seenAt = now
                overloads[index][pack] = overload
            }
        }
    }

    /// As the exchange fades, the bank gets back what the pack has to spare.
    private mutating func release(
        _ sides: [[(pack: Int, flow: Double)]], _ total: Double, _ limits: [[Int?]], isCalm: Bool, at now: Timestamp
    ) {
        for (index, direction) in FlowDirection.allCases.enumerated() {
            let flows = sides[index]
            for (pack, overload) in overloads[index] {
                guard let limit = limits[index][pack], now >= overload.seenAt, now - overload.seenAt < Self.watchTime
                else {
                    overloads[index][pack] = nil
                    continue
                }
                guard isCalm, overload.seenAt != now else { continue }
                let bound = max(overload.bound, bound(direction, pack, limit, flows, total))
                overloads[index][pack]?.bound = bound
            }
        }
    }

    private func bound(
        _ direction: FlowDirection, _ pack: Int, _ limit: Int, _ flows: [(pack: Int, flow: Double)], _ total: Double
    ) -> Double {
        let sign = direction == .charge ? 1.0 : -1.0
        let current = flows.reduce(0) { $0 + ($1.pack == pack ? sign * $1.flow : 0) }
        let share = shares(direction).measured(pack, among: flows.map(\.pack))
        let bound = sign * total - (current - Double(limit)) / share
        // DCL 0 darkens the house, and stops no exchange between packs.
        return max(bound, direction == .discharge ? Double(limit) / 10 : 0)
    }
}
