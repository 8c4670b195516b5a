public import BatteryEngine
import BMSCore
import JSON
public import ChargeLimits
import SmartBMS

/// The limits of a bank and its packs without a broker: a line of time and frames in, a line of limits out
/// (`bms-mqtt limits --bank`).
public struct BankFilter: Sendable {
    private struct Pack: Sendable {
        var id: String
        var isDisconnected: Bool
        var decoder: PackDecoder
        var calculator: LimitCalculator
        var limits: Limits?
        var kept: KeptMemory
    }

    private let id: String

    private let freshness: FreshnessTimes
    private var packs: [Pack]
    private var bank: BankCalculator
    private var document = LimitsDocument()

    /// A filter that has seen no frame.
    ///
    /// - Parameters:
    ///   - packs: all packs of the configuration; those of the bank are taken, in the bank's order.
    ///   - states: what an earlier one knew of its packs, by their ids.
    ///   - milliseconds: the moment to which they refer.
    public init(
        _ options: BankOptions, packs: [PackOptions], states: [String: PackState] = [:],
        atMilliseconds milliseconds: Int64 = 0
    ) {
        let now = Timestamp(milliseconds: milliseconds)
        id = options.id
        freshness = options.limits.freshness
        self.packs = options.packs.compactMap { id in
            packs.first { $0.id == id }.map { pack in
                let memory = states[id]?.memory
                return Pack(
                    id: id, isDisconnected: options.disconnected.contains(id),
                    decoder: PackDecoder(rules: pack.rules, options: pack.decoding, memory: memory?.ofDecoder),
                    calculator: LimitCalculator(pack.limits, memory: memory, at: now),
                    kept: KeptMemory(memory, at: now))
            }
        }
        let shares = self.packs.map { states[$0.id]?.share }.map { $0?.bank == options.id ? $0 : nil }
        bank = BankCalculator(options.limits, packs: self.packs.count, shares: shares)
    }

    /// Latches of the packs that are set, by their ids.
    public var latches: [String: Set<LimitMemory.Latch>] {
        Dictionary(uniqueKeysWithValues: packs.map { ($0.id, $0.calculator.latches) })
    }

    /// States that should survive a restart, by the packs' ids.
    public func states(atMilliseconds milliseconds: Int64) -> [String: PackState] {
        let now = Timestamp(milliseconds: milliseconds)
        return Dictionary(
            uniqueKeysWithValues: packs.enumerated().map { place, pack in
                let memory = pack.kept.memory(of: pack.calculator, at: now)
                return (pack.id, PackState(memory: memory, share: bank.memory(of: place, in: id)))
            })
    }

    /// One step.
    ///
    /// - Parameters:
    ///   - frames: 58 bytes by the packs' ids; what is missing or no good frame counts as none.
    ///   - milliseconds: time of the step, by a clock that does not jump.
    ///   - shown: the time as the answer names it.
    /// - Returns: one JSON object, without a line break: the bank's limits, and `packs` with those of each.
    public mutating func step(
        frames: [String: [UInt8]], atMilliseconds milliseconds: Int64, shownAs shown: Int64? = nil
    ) -> [UInt8] {
        let now = Timestamp(milliseconds: milliseconds)
        for index in packs.indices {
            if let frame = frames[packs[index].id] { packs[index].decoder.receiveFrame(frame, at: now) }
            var context = LimitContext()
            context.otherPacksAreFull = bank.othersAreFull(packs.map(\.limits))[index]
            packs[index].limits = packs[index].calculator.step(packs[index].decoder.snapshot, at: now, context)
        }
        let members = packs.map {
            BankMember(
                name: $0.id, snapshot: $0.decoder.snapshot, limits: $0.limits, isDisconnected: $0.isDisconnected)
        }
        let limits = bank.step(members, at: now)
        let shown = shown ?? milliseconds
        var writer = JSONWriter(reserving: 4096)
        writer.beginObject()
        writer.member("t", .decimal(thousandths: Int(shown), decimals: shown % 1000 == 0 ? 0 : 3))
        document.write(limits, into: &writer)
        writer.key("packs")
        writer.beginObject()
        for (index, pack) in packs.enumerated() { write(pack, index, &writer) }
        writer.endObject()
        writer.endObject()
        return writer.bytes
    }

    private func write(_ pack: Pack, _ index: Int, _ writer: inout JSONWriter) {
        writer.key(pack.id)
        writer.beginObject()
        for kind in LimitKind.allCases {
            writer.member(kind.rawValue, .thousandths(pack.limits?.value(kind), kind == .cvl ? 2 : 1))
        }
        let shares = bank.shares(index)
        writer.member("chargeState", .text((pack.limits?.state ?? .stale).rawValue))
        writer.member("charge", .text(bank.chargeStanding(index).rawValue))
        writer.member("discharge", .text(bank.dischargeStanding(index).rawValue))
        writer.member("chargeShare", .thousandths(shares.charge, 3))
        writer.member("dischargeShare", .thousandths(shares.discharge, 3))
        writer.endObject()
    }
}
