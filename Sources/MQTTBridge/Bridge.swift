public import MQTT
public import BMSCore
public import ChargeLimits

/// A change of the source of a pack.
public enum SourceChange: Hashable, Sendable {
    /// It was opened.
    case opened
    /// It was closed, or failed.
    case closed
    /// It is still open, and bytes of it were thrown away, for nobody knows how old they are.
    case dropped
}

/// Packs, a broker, and time: what goes out when something comes in. No I/O and no clock; every call returns what is to
/// be sent and said, and the newest state stands ready for the next connection.
public struct Bridge: Sendable {
    let options: BridgeOptions
    var packs: [PackChannel]
    var banks: [BankChannel]
    /// By place of the pack; a pack is in one bank at most.
    private let bankOfPack: [Int: Int]
    var gx: GXPortal?
    let access: TopicAccess
    private var isConnected = false
    private var isListenedTo = false
    /// Somebody else said `offline` where this bridge stands for `online`.
    private var isStatusDoubted = false
    var strangers = StrangerWatch()
    /// Packs of an earlier configuration that nobody serves.
    var departures: Departures
    /// When the bridge's status is said once more: a broker that keeps nothing has none for a Home Assistant that starts.
    private var greetsAt: Timestamp?

    /// A bridge for packs with different ids.
    ///
    /// - Parameters:
    ///   - banks: packs in parallel, with ids that no pack has; ids of packs that are none here are left out.
    ///   - states: what was kept of a pack, by its id.
    ///   - bankStates: what was kept of a bank, by its id.
    ///   - departed: packs and banks of an earlier configuration of this bridge that are none of the above.
    ///   - now: the moment to which they refer.
    public init(
        _ options: BridgeOptions, packs: [PackOptions], banks: [BankOptions] = [],
        states: [String: PackState] = [:], bankStates: [String: BankState] = [:], departed: [DepartedPack] = [],
        at now: Timestamp = Timestamp(milliseconds: 0)
    ) {
        self.options = options
        departures = Departures(departed, served: packs.map(\.id) + banks.map(\.id))
        access = TopicAccess(options, packs: packs, banks: banks)
        self.packs = packs.map { PackChannel($0, options, states[$0.id] ?? PackState(), at: now) }
        self.banks = banks.map { bank in
            let members = bank.packs.compactMap { id in packs.firstIndex { $0.id == id } }
            return BankChannel(
                bank, options, members: members, shares: members.map { states[packs[$0].id]?.share },
                state: bankStates[bank.id])
        }
        bankOfPack = Dictionary(
            self.banks.enumerated().flatMap { bank in bank.element.members.map { ($0, bank.offset) } },
            uniquingKeysWith: { first, _ in first })
        gx = options.gxTree.map { GXPortal($0.topics, owner: $0.owner, isForced: $0.isForced) }
    }

    /// Goes on where a bridge of an earlier configuration stopped, pack by pack and bank by bank of the same id.
    ///
    /// - Parameter sources: ids of packs whose bytes come from where they came from.
    public mutating func goOn(from before: Bridge, sameSources sources: Set<String>, at now: Moment) {
        let old = Dictionary(before.packs.map { ($0.options.id, $0) }) { first, _ in first }
        for index in packs.indices {
            let id = packs[index].options.id
            if let pack = old[id] { packs[index].goOn(from: pack, isSameSource: sources.contains(id), at: now) }
        }
        for index in banks.indices {
            let id = banks[index].options.id
            if let bank = before.banks.first(where: { $0.options.id == id }) { banks[index].goOn(from: bank) }
        }
        if options.gxTree == before.options.gxTree { gx = before.gx }
    }

    /// States that should survive a restart, by the packs' ids.
    public func states(at now: Timestamp) -> [String: PackState] {
        var states = Dictionary(uniqueKeysWithValues: packs.map { ($0.options.id, $0.state(at: now)) })
        for bank in banks {
            for (place, index) in bank.members.enumerated() {
                states[packs[index].options.id]?.share = bank.share(place)
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

    /// Ids of all packs and banks.
    private var ids: [String] { packs.map(\.options.id) + banks.map(\.options.id) }

    /// Bytes of the largest message that ``subscriptions`` bring, with room to spare: an own announcement of 255 cells with the longest
    /// ids and topics takes 0.5 MB.
    public static let largestMessage = 1 << 20

    /// Subscriptions that the bridge needs.
    public var subscriptions: [Subscription] {
        let birth = options.discovery == .off ? [] : [options.birthTopic]
        let relays = Set(packs.flatMap(\.stateTopics)).sorted()
        let relayCommands = Set(packs.flatMap(\.commandTopics)).sorted().map {
            Subscription($0, qos: 1, noLocal: true, toleratesOwn: true, retainAsPublished: true)
        }
        // What was announced before this start is known by being heard.
        let announced = options.discovery == .off ? [] : ids.flatMap { options.topics.announced($0) }
        return [Subscription(options.topics.commands, qos: 1, retainAsPublished: true)]
            + (birth + relays).map { Subscription($0, qos: 1) } + relayCommands
            + announced.map { Subscription($0, qos: 1, isLarge: true) }
            + [Subscription(options.topics.statuses, qos: 1, noLocal: true)] + options.topics.words(of: ids)
            + (gx?.topics.filters ?? []) + departures.filters
    }

    /// What each relay that must not outlive this program wants the broker to say when the program dies. One connection
    /// carries one will, so each needs a connection of its own.
    public var guards: [RelayGuard] {
        packs.enumerated().flatMap { index, pack in
            pack.options.relays.filter { $0.onExit == .open }.map {
                RelayGuard(pack: index, packID: pack.options.id, relay: $0.name, will: $0.command(isClosed: false))
            }
        }
    }

    /// What the broker shall say when this bridge dies.
    public var will: MQTTMessage { bridgeStatus("offline") }

    /// What to send before a clean end, the most urgent first: of a thousand packs not all may be sent in time, and the bridge's own
    /// status speaks for every one.
    public var farewell: [MQTTMessage] {
        guards.map(\.will) + [bridgeStatus("offline")]
            + ids.map { MQTTMessage(options.topics.status($0), Array("offline".utf8), qos: 1, retain: true) }
    }

    /// What to send after it where nobody goes on with the GX tree.
    public func treeFarewell(at now: Timestamp) -> [MQTTMessage] {
        guard let gx, !gx.isYielded(at: now) else { return [] }
        return packs.flatMap(\.gxFarewell) + banks.flatMap(\.gxFarewell)
    }

    /// The limits of a pack as of the last step; `nil` before its first believed frame.
    public func limits(ofPack index: Int) -> Limits? { packs[index].limits }

    /// The limits of a bank as of the last step; `nil` before its packs were heard.
    public func limits(ofBank index: Int) -> Limits? { banks[index].limits }

    /// Bytes came from a pack's source.
    ///
    /// - Parameter age: milliseconds since they came, at least.
    public mutating func receive(_ bytes: [UInt8], pack index: Int, age: Int64 = 0, at now: Moment) -> Outbox {
        collect(at: now, touched: index) { packs, outbox in
            packs[index].receive(bytes, age: age, at: now, into: &outbox)
        }
    }

    /// Something ended what a pack's source had sent so far: half a frame is worth nothing now.
    public mutating func sourceChanged(pack index: Int, _ change: SourceChange) { packs[index].sourceChanged(change) }

    /// How each pack stands.
    public mutating func summaries(at now: Timestamp) -> [PackSummary] {
        packs.indices.map { packs[$0].summary(at: now) }
    }

    /// How each pack stands; the ranges of the limits begin anew.
    public mutating func takeSummaries(at now: Timestamp) -> [PackSummary] {
        defer { for index in packs.indices { packs[index].forgetRange() } }
        return summaries(at: now)
    }

    /// Milliseconds after a start of Home Assistant in which the packs are announced.
    private static let greeting: Int64 = 5_000

    /// Time passed. Call it at least once a second: silence must lower limits.
    public mutating func tick(at now: Moment) -> Outbox {
        let isGreeting = greetsAt.map { now.monotonic >= $0 } ?? false
        if isGreeting { greetsAt = nil }
        let corrections = isStatusDoubted || isGreeting ? [bridgeStatus("online")] : []
        isStatusDoubted = false
        var debts = Outbox()
        if isConnected { putRight(at: now, into: &debts) }
        return collect(at: now) { packs, outbox in
            outbox.send(corrections + debts.messages)
            for index in packs.indices { packs[index].tick(at: now, into: &outbox) }
        }
    }

    /// The broker accepted this bridge.
    ///
    /// - Parameters:
    ///   - canExpire: the broker forgets retained messages by itself (MQTT 5).
    ///   - awaitsPace: how fast the line is will be told by ``paceChanged(isNarrow:)``; until then nothing large is said.
    public mutating func connected(canExpire: Bool, awaitsPace: Bool = false, at now: Moment) -> Outbox {
        isConnected = true
        strangers.forgive()
        lineChanged(awaitsPace ? .unknown : .wide)
        gx?.connected(tellsRetention: canExpire, at: now.monotonic)
        let first =
            [bridgeStatus("online")] + departures.connected(areCorrected: canExpire, at: now.monotonic)
        var outbox = collect(at: now) { packs, outbox in
            outbox.send(first)
            for index in packs.indices { packs[index].connected(canExpire: canExpire, at: now, into: &outbox) }
        }
        for index in banks.indices {
            banks[index].connected(&packs, canExpire: canExpire, at: now, into: &outbox)
        }
        return outbox
    }

    /// The line turned out to be wide enough for announcements, or too narrow: there they would hold up limits for minutes.
    public mutating func paceChanged(isNarrow: Bool) { lineChanged(isNarrow ? .narrow : .wide) }

    private mutating func lineChanged(_ line: PackPublisher.Line) {
        for index in packs.indices { packs[index].lineChanged(line) }
        for index in banks.indices { banks[index].lineChanged(line) }
    }

    /// The broker takes nothing on a topic, or takes it again: where that are the limits of a pack or bank, nobody may rely on it. The
    /// next step says so.
    public mutating func refusalChanged(_ topic: String, isOver: Bool) {
        for index in packs.indices where options.topics.limits(packs[index].options.id) == topic {
            packs[index].limitsRefused(!isOver)
        }
        for index in banks.indices where options.topics.limits(banks[index].options.id) == topic {
            banks[index].limitsRefused(!isOver)
        }
    }

    /// The connection is gone. Nothing is kept for later but the newest state.
    public mutating func disconnected() {
        isConnected = false
        for index in packs.indices { packs[index].disconnected() }
    }

    /// The connection that stands for a relay came up or went down.
    public mutating func guardChanged(_ relayGuard: RelayGuard, isUp: Bool, at now: Moment) -> Outbox {
        collect(at: now) { packs, outbox in
            packs[relayGuard.pack].guardChanged(relayGuard.relay, isUp: isUp, at: now, into: &outbox)
        }
    }

    /// A message came for one of ``subscriptions``.
    public mutating func receive(_ message: MQTTMessage, at now: Moment) -> Outbox {
        let (topic, payload, isRetained) = (message.topic, message.payload, message.retain)
        if departures.awaits(topic) {
            return departures.hear(topic, payload, isRetained: isRetained)
        }
        if let (pack, setting) = options.topics.command(topic) {
            let command = InboundCommand(
                setting: setting, payload: payload, isRetained: isRetained,
                responseTopic: message.responseTopic.flatMap { access.mayAnswer(on: $0) ? $0 : nil },
                correlationData: message.correlationData)
            return take(command, pack, at: now)
        }
        if let request = gx?.topics.parse(topic) {
            return answer(request, payload, isRetained: isRetained, at: now)
        }
        if topic == options.topics.bridgeStatus {
            return isRetained || payload == Array("online".utf8) ? Outbox() : doubtStatus(at: now)
        }
        if let id = options.topics.pack(ofStatus: topic) {
            return isRetained ? Outbox() : hearStatus(of: id, payload, at: now)
        }
        if let (id, word) = options.topics.word(topic) {
            return hear(word, of: id, payload, isRetained: isRetained, expires: message.expiry != nil, at: now)
        }
        if let pack = options.topics.announcement(topic) {
            guard isRetained else { return hearAnnouncement(topic, payload, node: pack, at: now) }
            if let index = banks.firstIndex(where: { Discovery.node($0.options.id) == pack }) {
                banks[index].heardAnnouncement(topic, payload, at: now)
            }
            guard let index = packs.firstIndex(where: { Discovery.node($0.options.id) == pack }) else {
                return Outbox()
            }
            return collect(at: now) { packs, _ in packs[index].heardAnnouncement(topic, payload, at: now) }
        }
        if topic != options.birthTopic {
            return collect(at: now) { packs, outbox in
                for index in packs.indices {
                    packs[index].heard(topic, payload, isRetained: isRetained, at: now, into: &outbox)
                }
            }
        }
        guard payload == Array("online".utf8), !isRetained else { return Outbox() }
        greetsAt = now.monotonic + Self.greeting
        for index in banks.indices { banks[index].born(at: now) }
        return collect(at: now) { packs, _ in
            for index in packs.indices { packs[index].born(at: now) }
        }
    }

    /// A second bridge on these topics ended, or was thrown off: without a word its `offline` would stand for ever. What is
    /// true is said with the next tick, twice a second at most.
    private mutating func doubtStatus(at now: Moment) -> Outbox {
        isStatusDoubted = true
        for index in packs.indices { packs[index].forgetStatus() }
        for index in banks.indices { banks[index].forgetStatus() }
        var outbox = Outbox()
        outbox.say(
            .warning,
            "somebody else said that this bridge is not online, on \(options.topics.bridgeStatus): if a second bridge runs with mqtt.base "
                + "'\(options.topics.base)', give it another; else keep it out with the broker's access rules ('bms-mqtt acl')"
        )
        return outbox
    }

    private mutating func take(_ command: InboundCommand, _ pack: String, at now: Moment) -> Outbox {
        guard let index = packs.firstIndex(where: { $0.options.id == pack }) else {
            // An emptied retained topic of a pack that is gone is no news.
            guard !command.payload.isEmpty else { return Outbox() }
            var outbox = Outbox()
            if let bank = banks.firstIndex(where: { $0.options.id == pack }) {
                banks[bank].refuse(command, at: now, into: &outbox)
                return outbox
            }
            let ids = packs.map(\.options.id).joined(separator: ", ")
            outbox.say(.warning, "a command for a pack that is none here, '\(pack.prefix(40))': there is \(ids)")
            return outbox
        }
        return collect(at: now) { packs, outbox in packs[index].take(command, at: now, into: &outbox) }
    }

    /// Drops messages where nobody takes them; lines for the log stay.
    mutating func collect(
        at now: Moment, touched: Int? = nil, _ body: (inout [PackChannel], inout Outbox) -> Void
    ) -> Outbox {
        var outbox = Outbox()
        // A frame concerns the bank of its pack alone: with a thousand packs nothing else is looked at.
        let concerned = touched.map { bankOfPack[$0].map { $0..<$0 + 1 } ?? 0..<0 } ?? banks.indices
        for index in concerned { tell(bank: index) }
        let isAlive = gx?.isAlive(at: now.monotonic) ?? false
        if isAlive != isListenedTo {
            isListenedTo = isAlive
            for index in packs.indices { packs[index].isListenedTo = isAlive }
            for index in banks.indices { banks[index].isListenedTo = isAlive }
        }
        if isConnected, let messages = gx?.tick(at: now) { outbox.send(messages) }
        if isConnected { departures.step(at: now.monotonic, into: &outbox) }
        body(&packs, &outbox)
        // A pack whose news were put off has none for its bank.
        let isPutOff = touched.map { packs[$0].isPutOff } ?? false
        for index in concerned where !isPutOff { banks[index].step(&packs, touched: touched, at: now, into: &outbox) }
        if !isConnected { outbox.messages = [] }
        return outbox
    }

    /// Packs in parallel go to float together.
    private mutating func tell(bank index: Int) {
        let members = banks[index].members
        let others = banks[index].othersAreFull(members.map { packs[$0].limits })
        for (place, member) in members.enumerated() { packs[member].otherPacksAreFull = others[place] }
    }

    private func bridgeStatus(_ text: String) -> MQTTMessage {
        MQTTMessage(options.topics.bridgeStatus, Array(text.utf8), qos: 1, retain: true)
    }
}
