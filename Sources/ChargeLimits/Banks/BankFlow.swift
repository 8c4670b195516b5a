import BMSCore

/// The packs' currents, looked at once a second: calm ones teach shares, and a pack above its limit shows.
///
/// Frames of different packs come within a second of each other, so a step of the load reaches one pack's numbers before
/// another's. Only a total that stood still for three looks says who carries what.
struct BankFlow: Sendable {
    private static let interval: Int64 = 950
    private static let looks = 3
    /// Above 20 A the BMS counts 1.25 A.
    private static let grain = 1_250.0
    private static let patience = 4

    /// Learned shares, by ``FlowDirection``.
    private(set) var charge: ShareEstimator
    private(set) var discharge: ShareEstimator
    /// What a pack carries beyond its share, mA by direction: packs at different charge exchange current among themselves.
    private(set) var offsets: [[Double]]
    /// Looks in a row at which a pack was above its limit, by direction.
    private var overloads: [[Int: Int]] = [[:], [:]]
    /// Packs that stay above their limits though nothing is calm, with the bank's current as it would have to be.
    private(set) var confirmed: [[Int: Double]] = [[:], [:]]
    private var totals: [Double] = []
    private var set: [Int] = []
    private var lookedAt: Timestamp?

    init(count: Int) {
        charge = ShareEstimator(count: count)
        discharge = ShareEstimator(count: count)
        offsets = FlowDirection.allCases.map { _ in [Double](repeating: 0, count: count) }
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
        if let lookedAt, now - lookedAt < Self.interval, now >= lookedAt { return }
        let seconds = Double(min(5_000, max(0, lookedAt.map { now - $0 } ?? 1_000))) / 1000
        lookedAt = now
        charge.note(capacities: capacities)
        discharge.note(capacities: capacities)
        let flows = taking.compactMap { pack in currents[pack].map { (pack: pack, flow: Double($0)) } }
        guard flows.count == taking.count, !flows.isEmpty else {
            forget()
            return
        }
        if taking != set {
            forget()
            set = taking
        }
        let total = flows.reduce(0) { $0 + $1.flow }
        totals = totals.suffix(Self.looks - 1) + [total]
        note(flows, limits)
        let capacity = taking.reduce(0) { $0 + capacities[$1] }
        let isLarge = abs(total) >= max(4_000, capacity / 20)
        let spread = (totals.max() ?? 0) - (totals.min() ?? 0)
        let isCalm = totals.count == Self.looks && spread <= abs(total) / 10 + 2_000
        // A pack that is kept off in one direction says nothing of its share there.
        let sides = limits.map { limits in flows.filter { limits[$0.pack] != nil } }
        learn(sides, total, isTeaching: isLarge && isCalm, isMidway: isMidway, seconds)
        if isCalm { noteOffsets(flows, total, isLarge: isLarge) }
    }

    private mutating func forget() {
        totals = []
        set = []
        overloads = [[:], [:]]
        confirmed = [[:], [:]]
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
    private mutating func noteOffsets(_ flows: [(pack: Int, flow: Double)], _ total: Double, isLarge: Bool) {
        let packs = flows.map(\.pack)
        for (index, direction) in FlowDirection.allCases.enumerated() {
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

    /// Four times in a row, and the bank's current as it would be with the pack at its limit.
    private mutating func note(_ flows: [(pack: Int, flow: Double)], _ limits: [[Int?]]) {
        for (index, direction) in FlowDirection.allCases.enumerated() {
            let sign = direction == .charge ? 1.0 : -1.0
            let total = flows.reduce(0) { $0 + sign * $1.flow }
            var found: [Int: Double] = [:]
            for (pack, flow) in flows {
                guard let limit = limits[index][pack], total > 0 else { continue }
                let current = sign * flow
                guard current > Double(limit) * 1.05 + Self.grain else { continue }
                found[pack] = total * Double(limit) / current
            }
            overloads[index] = found.reduce(into: [:]) { counts, next in
                counts[next.key] = min(Self.patience, (overloads[index][next.key] ?? 0) + 1)
            }
            confirmed[index] = found.filter { overloads[index][$0.key] == Self.patience }
        }
    }
}
