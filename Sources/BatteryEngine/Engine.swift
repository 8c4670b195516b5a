public import BMSCore
public import ChargeLimits

/// A change of the source of a pack.
public enum SourceChange: Hashable, Sendable {
    /// The source was opened.
    case opened
    /// The source was closed, or failed.
    case closed
    /// The source is still open, and bytes of it were thrown away, because their age is unknown.
    case dropped
}

/// Something that happens to an engine. Packs are named by their places in the configuration.
public enum EngineInput: Sendable {
    /// Bytes of a pack's source; `age`: milliseconds since they came, at least.
    case bytes([UInt8], pack: Int, age: Int64)
    /// Time has passed. Silence must lower limits, so at least once a second.
    case time
    /// A command for the battery of an id.
    case command(BatteryCommand, battery: String)
    /// Messages about the relays of a pack.
    case relays([RelayHearing], pack: Int)
    /// The connection that opens a relay when this program dies came up or went down.
    case relayGuard(String, pack: Int, isUp: Bool)
    /// The outputs connected, and know nothing of any battery.
    case connection
    /// The outputs lost their connection.
    case disconnection
    /// The bytes of a pack's source have a break.
    case source(SourceChange, pack: Int)
}

/// All packs and banks. ``step(_:at:)`` is the only way in, ``StepResult`` the only way out; no I/O, no clock, no broker.
public struct Engine: Sendable {
    private var packs: [PackEngine]
    private var banks: [BankEngine]
    /// Place of the bank of each pack in a bank; a pack is in one bank at most.
    private let bankOfPack: [Int: Int]

    /// An engine for packs and banks with different ids.
    ///
    /// - Parameters:
    ///   - banks: packs in parallel; ids of packs that are none here are left out.
    ///   - takesCommands: the file permits commands.
    ///   - states: kept states of packs, by their ids.
    ///   - bankStates: kept states of banks, by their ids.
    ///   - now: the time to which the states refer.
    public init(
        packs: [PackOptions], banks: [BankOptions] = [], takesCommands: Bool = true,
        states: [String: PackState] = [:], bankStates: [String: BankState] = [:],
        at now: Timestamp = Timestamp(milliseconds: 0)
    ) {
        self.packs = packs.enumerated().map { place, pack in
            PackEngine(pack, place: place, states[pack.id] ?? PackState(), takesCommands: takesCommands, at: now)
        }
        self.banks = banks.enumerated().map { offset, bank in
            let members = bank.packs.compactMap { id in packs.firstIndex { $0.id == id }.map { (place: $0, id: id) } }
            return BankEngine(
                bank, place: packs.count + offset, members: members, shares: members.map { states[$0.id]?.share },
                state: bankStates[bank.id])
        }
        bankOfPack = Dictionary(
            self.banks.enumerated().flatMap { bank in bank.element.members.map { ($0, bank.offset) } },
            uniquingKeysWith: { first, _ in first })
    }

    /// Evaluates everything that an input concerns.
    public mutating func step(_ input: EngineInput, at now: Moment) -> StepResult {
        var result = StepResult()
        switch input {
        case .bytes(let bytes, let pack, let age):
            guard let update = packs[pack].receive(bytes, age: age, othersAreFull: othersAreFull(pack), at: now) else {
                return result
            }
            result.updates = [update]
            let isGood = update.trigger == .frame
            if let bank = bankOfPack[pack], banks[bank].isDue(after: packs[pack], at: now.monotonic) {
                result.updates.append(banks[bank].step(packs, isGood ? .frame : .time, at: now))
            }
        case .time:
            result.updates = each(at: now, .time) { $0.tick(othersAreFull: $1, at: now) }
        case .connection:
            result.updates = each(at: now, .connection) { $0.connected(othersAreFull: $1, at: now) }
        case .disconnection:
            for pack in packs.indices { packs[pack].disconnected() }
        case .source(let change, let pack):
            packs[pack].sourceChanged(change)
        case .command(let command, let id):
            handle(command, id, at: now, into: &result)
        case .relays(let hearings, let pack):
            let update = packs[pack].hear(hearings, othersAreFull: othersAreFull(pack), at: now)
            result.updates = [update] + bankUpdate(of: pack, at: now)
        case .relayGuard(let relay, let pack, let isUp):
            let update = packs[pack].guardChanged(relay, isUp: isUp, othersAreFull: othersAreFull(pack), at: now)
            result.updates = [update] + bankUpdate(of: pack, at: now)
        }
        return result
    }

    /// Makes the next step by time report a battery, even if its frame came a short while ago. Banks are reported in any case.
    public mutating func demandReport(of battery: Int) {
        if packs.indices.contains(battery) { packs[battery].demandReport() }
    }

    private mutating func handle(
        _ command: BatteryCommand, _ id: String, at now: Moment, into result: inout StepResult
    ) {
        guard let pack = packs.firstIndex(where: { $0.options.id == id }) else {
            if let bank = banks.firstIndex(where: { $0.options.id == id }) {
                result.answers = banks[bank].refuse(command, at: now).map { [$0] } ?? []
                return
            }
            let ids = packs.map(\.options.id).joined(separator: ", ")
            result.notices = [
                Notice(.warning, "a command for the unknown pack '\(id.prefix(40))' was ignored: there is \(ids)")
            ]
            return
        }
        let isFull = othersAreFull(pack)
        guard let (update, answer, notice) = packs[pack].handle(command, othersAreFull: isFull, at: now) else { return }
        result.updates = [update] + bankUpdate(of: pack, at: now)
        result.answers = [answer]
        result.notices = notice.map { [$0] } ?? []
    }

    private mutating func bankUpdate(of pack: Int, at now: Moment) -> [BatteryUpdate] {
        bankOfPack[pack].map { [banks[$0].step(packs, .time, at: now)] } ?? []
    }

    /// Steps every pack, then every bank.
    ///
    /// - Parameter body: steps a pack; its second parameter: every other pack of the bank is full.
    private mutating func each(
        at now: Moment, _ trigger: Trigger, _ body: (inout PackEngine, Bool) -> BatteryUpdate?
    ) -> [BatteryUpdate] {
        var areFull = [Bool](repeating: true, count: packs.count)
        for bank in banks {
            for (member, isFull) in zip(bank.members, bank.othersAreFull(packs)) { areFull[member] = isFull }
        }
        let updates = packs.indices.compactMap { body(&packs[$0], areFull[$0]) }
        return updates + banks.indices.map { banks[$0].step(packs, trigger, at: now) }
    }

    /// Every other pack of the pack's bank is full: packs in parallel float together.
    private func othersAreFull(_ pack: Int) -> Bool {
        guard let bank = bankOfPack[pack], let place = banks[bank].members.firstIndex(of: pack) else { return true }
        return banks[bank].othersAreFull(packs)[place]
    }
}

extension Engine {
    /// Identities of the packs and then of the banks, by place.
    public var batteries: [BatteryIdentity] { packs.map(\.options.identity) + banks.map(\.options.identity) }

    /// The packs by configuration.
    public var packOptions: [PackOptions] { packs.map(\.options) }

    /// A battery as of now.
    public func report(of battery: Int, at now: Timestamp) -> BatteryReport {
        battery < packs.count
            ? packs[battery].report(at: now) : banks[battery - packs.count].report(packs, at: now)
    }

    /// The limits of a battery as of the last step; `nil` before the first believed frame.
    public func limits(of battery: Int) -> Limits? {
        battery < packs.count ? packs[battery].limits : banks[battery - packs.count].limits
    }

    /// Continues where an engine of an earlier configuration stopped, for packs and banks of the same id.
    ///
    /// - Parameter sources: ids of packs whose bytes come from where they came from.
    public mutating func resume(from before: Engine, sameSources sources: Set<String>, at now: Moment) {
        let old = Dictionary(before.packs.map { ($0.options.id, $0) }) { first, _ in first }
        for index in packs.indices {
            let id = packs[index].options.id
            if let pack = old[id] { packs[index].resume(from: pack, isSameSource: sources.contains(id), at: now) }
        }
        for index in banks.indices {
            let id = banks[index].options.id
            if let bank = before.banks.first(where: { $0.options.id == id }) { banks[index].resume(from: bank) }
        }
    }

    /// States that should survive a restart, by the packs' ids.
    public func states(at now: Timestamp) -> [String: PackState] {
        var states = Dictionary(uniqueKeysWithValues: packs.map { ($0.options.id, $0.state(at: now)) })
        for bank in banks {
            for (place, pack) in bank.members.enumerated() {
                states[packs[pack].options.id]?.share = bank.share(place)
            }
        }
        return states
    }

    /// States of the banks that should survive a restart, by their ids.
    ///
    /// - Parameter isEnding: nothing is published after it.
    public func bankStates(isEnding: Bool) -> [String: BankState] {
        Dictionary(banks.map { ($0.options.id, $0.state(isEnding: isEnding)) }, uniquingKeysWith: { first, _ in first })
    }

    /// Summaries of all packs.
    public func summaries(at now: Timestamp) -> [PackSummary] { packs.map { $0.summary(at: now) } }

    /// Starts the ranges of the limits in the summaries again.
    public mutating func clearRanges() { for index in packs.indices { packs[index].clearRange() } }
}
