/// The share that each pack takes of a bank's current, in one direction.
///
/// Learned while the bank's current is calm and large enough; a share that grows is believed sooner than one that falls.
/// What was learned while all packs were away from full is the reference, to which shares come back at rest: at the end of
/// a charge they say nothing about the next one. Before anything was measured a pack is taken to carry up to 1.5 times its
/// share by capacity.
///
/// Example: two packs of 100 Ah, one with twice the resistance: 0.75 and 0.75 at first, 0.67 and 0.33 after half a minute.
struct ShareEstimator: Sendable {
    /// Two packs whose resistances differ by three.
    private static let doubt = 1.5
    private static let riseSeconds = 5.0
    private static let fallSeconds = 180.0
    private static let restSeconds = 120.0
    /// Of the share by capacity; nothing is divided by less.
    private static let least = 0.05

    private var capacities: [Double]
    private var weights: [Double]
    /// What should survive a restart; `nil`: nothing was measured yet.
    private(set) var reference: [Double]?

    /// - Parameter remembered: what an earlier one had measured; taken where it has a sound weight for each pack.
    init(count: Int, remembered: [Double?] = []) {
        capacities = [Double](repeating: 1 / Double(max(1, count)), count: count)
        let known = remembered.compactMap(\.self).filter(BankShare.range.contains)
        reference = known.count == count && count > 0 ? known : nil
        weights = reference ?? capacities
    }

    /// Shares were measured.
    var isMeasured: Bool { reference != nil }

    /// Takes the packs' capacities; what is not known is passed as 0 and counts as the mean of the others.
    mutating func note(capacities new: [Double]) {
        guard new.count == capacities.count else { return }
        let known = new.filter { $0 > 0 }
        guard !known.isEmpty else { return }
        let mean = known.reduce(0, +) / Double(known.count)
        let filled = new.map { $0 > 0 ? $0 : mean }
        let total = filled.reduce(0, +)
        capacities = filled.map { $0 / total }
        if reference == nil { weights = capacities }
    }

    /// Begins with what the other direction has learned.
    mutating func seed(from other: ShareEstimator) {
        guard reference == nil, let known = other.reference, known.count == weights.count else { return }
        (weights, reference) = (known, known)
    }

    /// Takes calm currents in this direction, mA, of the packs that take part; their sum is positive.
    mutating func learn(_ flows: [(pack: Int, flow: Double)], isMidway: Bool, seconds: Double) {
        let total = flows.reduce(0) { $0 + $1.flow }
        let weight = flows.reduce(0) { $0 + weights[$1.pack] }
        guard total > 0, weight > 0 else { return }
        let isFirst = reference == nil
        for (pack, flow) in flows {
            let measured = min(2, max(0, flow / total)) * weight
            let time = measured > weights[pack] ? Self.riseSeconds : Self.fallSeconds
            weights[pack] += (measured - weights[pack]) * (isFirst ? 1 : min(1, seconds / time))
            weights[pack] = max(weights[pack], Self.least * capacities[pack])
        }
        // What rises sooner than it falls grows by noise alone, and a pack that is away would come back to less and less.
        let grown = flows.reduce(0) { $0 + weights[$1.pack] }
        for (pack, _) in flows { weights[pack] *= weight / grown }
        if isFirst || isMidway { reference = weights }
    }

    /// No current in this direction: what was learned last may no longer hold.
    mutating func rest(seconds: Double) {
        guard let reference else { return }
        for pack in weights.indices {
            weights[pack] += (reference[pack] - weights[pack]) * min(1, seconds / Self.restSeconds)
        }
    }

    /// Share of a pack among some without doubt, above 0.
    func measured(_ pack: Int, among packs: [Int]) -> Double {
        let total = packs.reduce(0) { $0 + max(weights[$1], Self.least * capacities[$1]) }
        guard packs.count > 1, total > 0 else { return 1 }
        return max(weights[pack], Self.least * capacities[pack]) / total
    }

    /// Share of a pack among some, above 0, at most 2: a pack may carry more than the bank does, into another pack.
    func share(of pack: Int, among packs: [Int]) -> Double {
        let share = measured(pack, among: packs)
        return isMeasured ? min(2, share) : min(1, share * Self.doubt)
    }
}
