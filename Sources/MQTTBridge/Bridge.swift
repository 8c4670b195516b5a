public import BMSCore
public import ChargeLimits

/// Packs, a broker, and time: what goes out when something comes in. No I/O and no clock; every call returns what is to
/// be sent and said, and the newest state stands ready for the next connection.
public struct Bridge: Sendable {
    private let options: BridgeOptions
    private var packs: [PackChannel]
    private var isConnected = false

    /// A bridge for packs with different ids.
    ///
    /// - Parameters:
    ///   - states: what was kept of a pack, by its id.
    ///   - now: the moment to which they refer.
    public init(
        _ options: BridgeOptions, packs: [PackOptions], states: [String: PackState] = [:],
        at now: Timestamp = Timestamp(milliseconds: 0)
    ) {
        self.options = options
        self.packs = packs.map { PackChannel($0, options, states[$0.id] ?? PackState(), at: now) }
    }

    /// What should survive a restart, by the packs' ids.
    public func states(at now: Timestamp) -> [String: PackState] {
        Dictionary(uniqueKeysWithValues: packs.map { ($0.options.id, $0.state(at: now)) })
    }

    /// Topic filters to subscribe to.
    public var subscriptions: [String] {
        (options.discovery == .off ? [] : [options.birthTopic]) + [options.topics.commands]
            + Set(packs.flatMap(\.stateTopics)).sorted()
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
    public var will: OutboundMessage { bridgeStatus("offline") }

    /// What to send before a clean end.
    public var farewell: [OutboundMessage] {
        guards.map(\.will)
            + packs.map {
                OutboundMessage(options.topics.status($0.options.id), Array("offline".utf8), qos: 1, retain: true)
            } + [bridgeStatus("offline")]
    }

    /// The limits of a pack as of the last step; `nil` before its first believed frame.
    public func limits(ofPack index: Int) -> Limits? { packs[index].limits }

    /// Bytes came from a pack's source.
    public mutating func receive(_ bytes: some Sequence<UInt8>, pack index: Int, at now: Moment) -> Outbox {
        collect { packs, outbox in packs[index].receive(bytes, at: now, into: &outbox) }
    }

    /// A pack's source was opened or closed: half a frame is worth nothing now.
    public mutating func sourceChanged(pack index: Int) { packs[index].sourceChanged() }

    /// Time passed. Call it at least once a second: silence must lower limits.
    public mutating func tick(at now: Moment) -> Outbox {
        collect { packs, outbox in
            for index in packs.indices { packs[index].tick(at: now, into: &outbox) }
        }
    }

    /// The broker accepted this bridge.
    ///
    /// - Parameter canExpire: the broker forgets retained messages by itself (MQTT 5).
    public mutating func connected(canExpire: Bool, at now: Moment) -> Outbox {
        isConnected = true
        let online = bridgeStatus("online")
        return collect { packs, outbox in
            outbox.send(online)
            for index in packs.indices { packs[index].connected(canExpire: canExpire, at: now, into: &outbox) }
        }
    }

    /// The connection is gone. Nothing is kept for later but the newest state.
    public mutating func disconnected() {
        isConnected = false
        for index in packs.indices { packs[index].disconnected() }
    }

    /// The connection that stands for a relay came up or went down.
    public mutating func guardChanged(_ relayGuard: RelayGuard, isUp: Bool, at now: Moment) -> Outbox {
        collect { packs, outbox in
            packs[relayGuard.pack].guardChanged(relayGuard.relay, isUp: isUp, at: now, into: &outbox)
        }
    }

    /// A message came for one of ``subscriptions``.
    ///
    /// - Parameters:
    ///   - responseTopic: where the sender wants an answer (MQTT 5).
    ///   - correlationData: what that answer must carry.
    public mutating func message(
        topic: String, payload: [UInt8], isRetained: Bool, responseTopic: String? = nil,
        correlationData: [UInt8]? = nil, at now: Moment
    ) -> Outbox {
        if let (pack, setting) = options.topics.command(topic) {
            let command = InboundCommand(
                setting: setting, payload: payload, isRetained: isRetained, responseTopic: responseTopic,
                correlationData: correlationData)
            return take(command, pack, at: now)
        }
        if topic != options.birthTopic {
            return collect { packs, outbox in
                for index in packs.indices { packs[index].heard(topic, payload, at: now, into: &outbox) }
            }
        }
        guard payload == Array("online".utf8), !isRetained else { return Outbox() }
        return collect { packs, _ in
            for index in packs.indices { packs[index].born(at: now) }
        }
    }

    private mutating func take(_ command: InboundCommand, _ pack: String, at now: Moment) -> Outbox {
        guard let index = packs.firstIndex(where: { $0.options.id == pack }) else {
            // An emptied retained topic of a pack that is gone is no news.
            guard !command.payload.isEmpty else { return Outbox() }
            var outbox = Outbox()
            let ids = packs.map(\.options.id).joined(separator: ", ")
            outbox.say(.warning, "a command for a pack that is none here, '\(pack.prefix(40))': there is \(ids)")
            return outbox
        }
        return collect { packs, outbox in packs[index].take(command, at: now, into: &outbox) }
    }

    /// Drops messages where nobody takes them; lines for the log stay.
    private mutating func collect(_ body: (inout [PackChannel], inout Outbox) -> Void) -> Outbox {
        var outbox = Outbox()
        tellBanks()
        body(&packs, &outbox)
        if !isConnected { outbox.messages = [] }
        return outbox
    }

    /// Packs in parallel go to float together.
    private mutating func tellBanks() {
        for index in packs.indices where packs[index].options.bank != nil {
            packs[index].otherPacksAreFull = packs.indices.allSatisfy { other in
                other == index || packs[other].options.bank != packs[index].options.bank || packs[other].isFull
            }
        }
    }

    private func bridgeStatus(_ text: String) -> OutboundMessage {
        OutboundMessage(options.topics.bridgeStatus, Array(text.utf8), qos: 1, retain: true)
    }
}
