import BMSCore

/// Bounds of a bank's current in one direction, by its packs.
///
/// For each pack that takes part the bound is (L - exchange) / share, where L is the pack's own limit; the bank's limit is never above the
/// sum of the packs' limits.
///
/// Near empty, DCL does not fall below 3 A while no pack is latched `empty`: a GX makes 0 of less than 2 A (of less than 3 A coming from
/// 0), the house goes dark, and the exchange among the packs goes on. A pack that is latched `empty` makes DCL 0: a bank cannot take one
/// pack off the bus. All other bounds of a pack (by its BMS, an alarm, silence, its owner) bind below 3 A as well.
///
/// Example: a pack is allowed 2.5 A by its lowest cell and gives 1.5 A to another, share 0.50: (2.5 - 1.5) / 0.50 = 2 A; DCL 3 A.
/// Source: docs/victron.md for the GX, Benchmarks/parallel for the rest.
struct BankBounds {
    /// DCL below which a GX may make it 0, mA.
    static let leastDischarge = 3_000

    /// Time that a bound waits before it rises again, ms; a pack near empty recovers as soon as it is asked for less.
    private static let wait: Int64 = 120_000
    private static let cellWait: Int64 = 300_000

    let direction: FlowDirection
    let members: [BankMember]
    let sides: [BankSide]
    let flow: CurrentSharing
    let taking: [Int]
    let silent: [Int]

    /// All bounds of the bank in this direction.
    ///
    /// - Parameter gate: keeps the lowest of the packs' bounds from sawing.
    func all(_ gate: inout RiseGate, at now: Timestamp) -> [Bound] {
        gate.take(taking, isMeasured: taking.allSatisfy { flow.shares.isMeasured($0, among: taking) }, at: now)
        var bounds = taking.flatMap(byPack)
        if let lowest = bounds.indices.min(by: { bounds[$0].value < bounds[$1].value }) {
            let isCell = bounds[lowest].cause.pack.map(isHeldByCell) ?? false
            let goal = bounds[lowest].value
            let held = gate.pass(
                Double(goal), much: flow.capacity / 10, wait: isCell ? Self.cellWait : Self.wait, at: now)
            if Int(held) < goal, case .bank(let cause) = bounds[lowest].cause {
                bounds[lowest] = direction.bound(held, bounds[lowest].name, .settling(cause))
            }
        }
        return bounds + [sum] + ofSilent
    }

    private func isHeldByCell(_ name: String) -> Bool {
        taking.contains { members[$0].name == name && sides[$0].bound?.name?.isOfLowestCell == true }
    }

    private func byPack(_ index: Int) -> [Bound] {
        guard let bound = sides[index].bound else { return [] }
        let name = members[index].name
        if sides[index].standing == .ignoringBMS { return [direction.bound(0, .pack, .defiant(pack: name))] }
        if isEmpty(index) { return [direction.bound(0, .pack, .empty(pack: name, bound.cause))] }
        let least = Double(leastDischarge(of: index))
        let share = flow.shares.share(of: index, among: taking)
        let exchange = flow.exchanges[direction][index]
        let most = bound.value > 0 ? (Double(bound.value) - exchange) / share : 0
        let cause =
            most < least
            ? BankCause.least(pack: name, Milliamperes(Int(least)), bound.cause)
            : .share(
                pack: name, limit: Milliamperes(bound.value), permille: Int(share * 1000),
                isMeasured: flow.shares.isMeasured(index, among: taking),
                offset: Milliamperes(Int(min(1e9, max(-1e9, exchange)))), bound.cause)
        let byShare = direction.bound(max(least, most), .pack, cause)
        guard let overload = flow.overloads[direction][index] else { return [byShare] }
        let carried = BankCause.overload(
            pack: name, Milliamperes(Int(overload.current)), limit: Milliamperes(bound.value))
        return [byShare, direction.bound(max(least, overload.bound), .overload, carried)]
    }

    private var sum: Bound {
        let sum = taking.reduce(0.0) { $0 + Double(sides[$1].bound?.value ?? 0) }
        let isDark = taking.contains { isEmpty($0) || sides[$0].bound?.value == 0 }
        let least = isDark ? 0 : taking.reduce(0.0) { $0 + Double(leastDischarge(of: $1)) }
        return direction.bound(
            max(sum, min(least, Double(Self.leastDischarge))), .sum,
            taking.isEmpty ? .nobody : .sum(packs: taking.count))
    }

    /// Bounds by silent packs. A silent pack may still take its share: the current that it allowed last binds.
    private var ofSilent: [Bound] {
        let packs = Set(taking + silent).sorted()
        guard packs.count > taking.count else { return [] }
        return silent.compactMap { index in
            guard let last = sides[index].last else { return nil }
            let share = flow.shares.share(of: index, among: packs)
            return direction.bound(
                Double(last) / share, .silent,
                .silentShare(pack: members[index].name, limit: Milliamperes(last), permille: Int(share * 1000)))
        }
    }

    private func isEmpty(_ index: Int) -> Bool {
        direction == .discharge && members[index].limits?.isZero(.dcl, by: .empty) == true
    }

    /// DCL of the bank below which a pack's lowest cell does not bind, mA: 3 A, or a lower bound of another rule; 0 for charging, and where
    /// the pack may not be discharged.
    private func leastDischarge(of index: Int) -> Int {
        guard direction == .discharge, let limits = members[index].limits, (sides[index].bound?.value ?? 0) > 0 else {
            return 0
        }
        return limits.bounds.reduce(Self.leastDischarge) { least, bound in
            bound.limit == .dcl && !bound.name.isOfLowestCell ? min(least, bound.value) : least
        }
    }
}

extension FlowDirection {
    /// A bound in mA; a value that no inverter can take is cut off.
    func bound(_ current: Double, _ name: RuleName, _ cause: BankCause) -> Bound {
        let value = Milliamperes(current.isFinite ? Int(min(1e12, max(0, current))) : 0)
        return self == .charge ? .ccl(value, name, .bank(cause)) : .dcl(value, name, .bank(cause))
    }
}

extension RuleName {
    /// The lowest cell bounds DCL, without being empty.
    fileprivate var isOfLowestCell: Bool { self == .lowestCell || self == .loadStep }
}
