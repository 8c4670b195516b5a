/// The share that each pack takes of a change of the bank's current: its marginal share, the same in both directions.
///
/// In parallel a change divides as 1 / resistance: dI_k / dI_total = (1/r_k) / sum of 1/r. Steps of the load show it: the packs' currents
/// before and after, both steady. A large step weighs more than small ones, with the square of its size (least squares through the origin).
/// I_k / I_total is not the share: it includes the current that packs at different charge exchange among themselves. Before anything was
/// measured a pack is taken to carry up to 1.5 times its share by capacity, or by the packs' learned resistances.
///
/// Example: 280 Ah and 100 Ah of equal resistance; at rest the second gives 5 A to the first. A load of 90 A turns -5 and 5 A into 40 and
/// 50 A: 45 of 90 A each, so both shares are 0.50, while I_k / I_total would say 0.56.
/// Source: Kirchhoff's laws; measured on Benchmarks/parallel.
struct ShareEstimator: Sendable {
    /// Factor of a share that is not measured: two packs whose resistances differ by a factor of three.
    private static let doubt = 1.5
    /// Least part of the share by capacity; nothing is divided by less.
    private static let least = 0.1
    /// Largest weight of a step against others, in squares of the smallest step.
    private static let mostOfStep = 100.0
    /// Largest weight of all steps together: newer steps must be able to move a share.
    private static let mostEvidence = 200.0
    /// Weight of the share by capacity.
    private static let priorEvidence = 1.0
    /// Weight from which on a share is known: one step of twice the smallest size.
    private static let enough = 4.0

    /// Shares by capacity or resistance, 0...1, their sum is 1.
    private var priors: [Double]
    /// Shares by capacity alone.
    private var capacities: [Double]
    private var weights: [Double]
    private var evidence: [Double]
    /// The least share that a pack proved to take, where not all packs can be measured.
    private var proven: [Double]

    /// Creates an estimator that knows the measurements of an earlier one.
    ///
    /// - Parameter remembered: the weights of an earlier estimator, taken where each pack has a sound one.
    init(count: Int, remembered: [Double?] = []) {
        capacities = [Double](repeating: 1 / Double(max(1, count)), count: count)
        priors = capacities
        proven = [Double](repeating: 0, count: count)
        let known = remembered.compactMap(\.self).filter(BankShare.range.contains)
        let isSound = known.count == count && count > 0
        weights = isSound ? known : capacities
        evidence = [Double](repeating: isSound ? Self.enough : 0, count: count)
    }

    /// Takes the knowledge of the packs from before any current flows.
    ///
    /// - Parameters:
    ///   - new: capacities in any unit; a capacity that is not known is passed as 0 and counts as the mean of the others.
    ///   - conductances: 1 / resistance in any unit, where each pack has learned its own; `nil` where capacities must do.
    mutating func note(capacities new: [Double], conductances: [Double]?) {
        guard new.count == capacities.count else { return }
        let known = new.filter { $0 > 0 }
        guard !known.isEmpty else { return }
        let mean = known.reduce(0, +) / Double(known.count)
        capacities = Self.shares(new.map { $0 > 0 ? $0 : mean })
        priors = conductances.map(Self.shares) ?? capacities
        if evidence.allSatisfy({ $0 == 0 }) { weights = priors }
    }

    private static func shares(_ values: [Double]) -> [Double] {
        let total = values.reduce(0, +)
        return values.map { $0 / total }
    }

    /// Takes a step of the load.
    ///
    /// - Parameters:
    ///   - steps: change of each pack's current, mA; packs whose currents are not known are left out.
    ///   - least: smallest step of the total that teaches something, mA.
    ///   - weight: 0...1; less where the step took long and the exchange among the packs has moved meanwhile.
    /// - Returns: true when the step taught something.
    mutating func learn(_ steps: [(pack: Int, step: Double)], least: Double, weight: Double = 1) -> Bool {
        let total = steps.reduce(0) { $0 + $1.step }
        let sum = steps.reduce(0) { $0 + weights[$1.pack] }
        guard steps.count > 1, least > 0, abs(total) >= least, sum > 0 else { return false }
        let news = min(Self.mostOfStep, (total / least) * (total / least)) * weight
        for (pack, step) in steps {
            let measured = min(1, max(0, step / total)) * sum
            let old = evidence[pack]
            weights[pack] += (measured - weights[pack]) * news / (Self.priorEvidence + old + news)
            weights[pack] = max(weights[pack], Self.least * capacities[pack])
            evidence[pack] = min(Self.mostEvidence, old + news)
            proven[pack] = 0
        }
        // The sum of these weights stays, so that packs that are away come back to the weight that they had against these.
        let grown = steps.reduce(0) { $0 + weights[$1.pack] }
        for (pack, _) in steps { weights[pack] *= sum / grown }
        return true
    }

    /// Takes the least share that a pack takes of the bank's current, 0...1, where others have no sensor.
    mutating func prove(_ share: Double, of pack: Int) { proven[pack] = min(1, max(proven[pack], share)) }

    /// The weight of a pack among all, for a restart; `nil` where it is not measured yet.
    func memory(of pack: Int) -> Double? { evidence[pack] >= Self.enough ? weights[pack] : nil }

    /// The shares of the packs were measured, or the pack itself has proven the share that is used.
    func isMeasured(_ pack: Int, among packs: [Int]) -> Bool {
        packs.count < 2 || isKnown(packs) || proven[pack] > 0
    }

    private func isKnown(_ packs: [Int]) -> Bool { packs.allSatisfy { evidence[$0] >= Self.enough } }

    /// Share of a pack among some by capacity, above 0, at most 1.
    func byCapacity(_ pack: Int, among packs: [Int]) -> Double {
        let total = packs.reduce(0) { $0 + capacities[$1] }
        return total > 0 ? capacities[pack] / total : 1
    }

    /// Share of a pack among some, without the factor of doubt, above 0, at most 1.
    func measured(_ pack: Int, among packs: [Int]) -> Double {
        let total = packs.reduce(0) { $0 + max(weights[$1], Self.least * capacities[$1]) }
        guard packs.count > 1, total > 0 else { return 1 }
        return max(weights[pack], Self.least * capacities[pack]) / total
    }

    /// Share of a pack among some that limits use, above 0, at most 1.
    func share(of pack: Int, among packs: [Int]) -> Double {
        let share = measured(pack, among: packs)
        guard packs.count > 1, !isKnown(packs) else { return share }
        return min(1, max(proven[pack], share * Self.doubt))
    }
}
