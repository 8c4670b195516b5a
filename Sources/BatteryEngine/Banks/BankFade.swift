import BMSCore

/// Share of a silent pack that still counts in its bank's state of charge and stored energy.
///
/// Rules of a GX obey these figures, and a pack that falls silent holds what it held a moment before. So its last known part
/// fades: neither figure moves by it by more than one point a minute (of a hundred, of all the packs that count).
///
/// Example: two equal packs, 90 % and 20 %: the bank is at 55 %. The first falls silent: 54 % after at least a minute, and 20 % after
/// at least 35 minutes. The second's own changes count in full all the while.
struct BankFade: Hashable, Sendable {
    /// Points in a millisecond.
    private static let rate = 1.0 / 60_000

    /// Energy that a pack holds, Wh.
    struct Share: Hashable {
        var stored: Double
        var capacity: Double
    }

    /// Weights by the packs' places: 1 for one that speaks, less for one that is silent, 0 for one that counts no more.
    private(set) var weights: [Double]
    /// By place, true where the fading was reported.
    private var isTold: [Bool]
    private var steppedAt: Timestamp?

    init(packs: Int) {
        weights = [Double](repeating: 0, count: packs)
        isTold = [Bool](repeating: false, count: packs)
    }

    /// - Parameters:
    ///   - shares: by place, as of the last believed frame; `nil`: none since the start, or off the bus by configuration.
    ///   - isLive: by place.
    /// - Returns: places of the packs whose fading begins.
    mutating func step(_ shares: [Share?], isLive: [Bool], at now: Timestamp) -> [Int] {
        for place in weights.indices {
            if shares[place] == nil { weights[place] = 0 }
            if isLive[place] { (weights[place], isTold[place]) = (1, false) }
        }
        // While nobody speaks nothing is shown, and nothing moves.
        guard isLive.contains(true) else {
            steppedAt = nil
            return []
        }
        var points = steppedAt.map { Double(max(0, now - $0)) * Self.rate } ?? 0
        steppedAt = now
        var begun: [Int] = []
        for place in weights.indices where !isLive[place] && weights[place] > 0 {
            if !isTold[place] { begun.append(place) }
            isTold[place] = true
            lower(place, shares, by: &points)
        }
        return begun
    }

    /// Stored and installed energy of the packs, each by its weight, Wh.
    static func sum(_ shares: [Share?], _ weights: [Double]) -> (stored: Double, capacity: Double) {
        var sum = (stored: 0.0, capacity: 0.0)
        for (share, weight) in zip(shares, weights) {
            guard let share else { continue }
            sum.stored += weight * share.stored
            sum.capacity += weight * share.capacity
        }
        return sum
    }

    /// Lowers one weight as far as both figures may move.
    private mutating func lower(_ place: Int, _ shares: [Share?], by points: inout Double) {
        guard let share = shares[place], points > 0 else { return }
        let old = weights[place]
        var others = weights
        others[place] = 0
        let rest = Self.sum(shares, others)
        guard rest.capacity > 0 else { return }
        func soc(_ weight: Double) -> Double {
            (rest.stored + weight * share.stored) / (rest.capacity + weight * share.capacity)
        }
        let whole = rest.capacity + share.capacity
        let (from, to) = (soc(old), rest.stored / rest.capacity)
        let step = points / 100
        var new = 0.0
        if abs(to - from) > step {
            // The weight at which the state of charge has moved by just that: rest and share solved for it.
            let next = from + (to > from ? step : -step)
            new = (rest.stored - next * rest.capacity) / (next * share.capacity - share.stored)
        }
        if share.stored > 0 { new = max(new, old - step * whole / share.stored) }
        new = min(old, max(0, new))
        weights[place] = new
        points -= 100 * max(abs(soc(new) - from), (old - new) * share.stored / whole)
    }
}

extension BankFade.Share {
    /// - Parameter report: of a pack; without a capacity it counts by its state of charge alone. `nil` where nothing was measured.
    init?(_ report: BatteryReport) {
        guard let readings = report.lastReadings else { return nil }
        let configured = report.thresholds?.capacity ?? .zero
        let isKnown = configured > .zero
        stored = Double(isKnown ? readings.energyStored.rawValue : readings.soc)
        capacity = Double(isKnown ? configured.rawValue : 100)
    }
}
