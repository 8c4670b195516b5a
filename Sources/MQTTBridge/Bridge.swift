public import BatteryEngine
public import BMSCore
import MQTT

/// An ``Engine`` and the MQTT side of it: bytes, messages and time in, messages out. No I/O and no clock.
///
/// Every step goes the same way: an input steps the engine, and each update of its result goes through the outputs of its battery.
public struct Bridge: Sendable {
    /// Bytes of the largest message that ``subscriptions`` bring, with room to spare: an own announcement of 255 cells with the longest
    /// ids and topics takes 0.5 MB.
    public static let largestMessage = 1 << 20

    let options: BridgeOptions
    var engine: Engine
    /// Outputs of the packs and then of the banks, by place.
    var channels: [BatteryChannel]
    var gx: GXPortal?
    var strangers = StrangerWatch()
    /// CAN buses on which batteries are told, by the places of the batteries.
    private var buses: [Int: [BusWatch]] = [:]
    /// Packs of an earlier configuration that nobody serves.
    var departures: Departures
    var relays: RelayInbox
    let router: TopicRouter
    let access: TopicAccess
    private(set) var isConnected = false
    var status = BridgeStatus()

    /// The status of the bridge itself, where it must be said again.
    struct BridgeStatus {
        /// Somebody else said `offline` on its topic.
        var isDoubted = false
        /// Time at which it is said once more: a broker that keeps nothing has none for a Home Assistant that starts.
        var repeatAt: Timestamp?
        /// Time at which the present connection came up.
        var connectedAt = Timestamp(milliseconds: 0)
    }

    /// A bridge for packs and banks with different ids.
    ///
    /// - Parameters:
    ///   - banks: packs in parallel; ids of packs that are none here are left out.
    ///   - states: kept states of packs, by their ids.
    ///   - bankStates: kept states of banks, by their ids.
    ///   - departed: packs and banks of an earlier configuration of this bridge, with the names of the brokers at which nothing is left of
    ///     them.
    ///   - now: the time to which the states refer.
    public init(
        _ options: BridgeOptions, packs: [PackOptions], banks: [BankOptions] = [],
        states: [String: PackState] = [:], bankStates: [String: BankState] = [:],
        departed: [DepartedPack: Set<String>] = [:],
        at now: Timestamp = Timestamp(milliseconds: 0)
    ) {
        self.options = options
        engine = Engine(
            packs: packs, banks: banks, takesCommands: options.takesCommands, states: states, bankStates: bankStates,
            at: now)
        channels = engine.batteries.map { BatteryChannel($0, options) }
        departures = Departures(departed, served: channels.map(\.battery.id), brokers: options.brokers)
        relays = RelayInbox(packs)
        router = TopicRouter(options)
        access = TopicAccess(options, packs: packs, banks: banks)
        gx = options.gxTree.map { GXPortal($0.topics, owner: $0.owner, isForced: $0.isForced) }
    }

    /// Continues where a bridge of an earlier configuration stopped, for packs and banks of the same id.
    ///
    /// - Parameter sources: ids of packs whose bytes come from where they came from.
    public mutating func resume(from before: Bridge, sameSources sources: Set<String>, at now: Moment) {
        engine.resume(from: before.engine, sameSources: sources, at: now)
        for index in channels.indices {
            let (id, isBank) = (channels[index].battery.id, channels[index].battery.isBank)
            let old = before.channels.first { $0.battery.id == id && $0.battery.isBank == isBank }
            if let old { channels[index].resume(from: old) }
        }
        relays.resume(from: before.relays)
        if options.gxTree == before.options.gxTree { gx = before.gx }
    }

    /// Takes bytes of a pack's source.
    ///
    /// - Parameter age: milliseconds since they came, at least.
    public mutating func receive(_ bytes: [UInt8], pack: Int, age: Int64 = 0, at now: Moment) -> Outbox {
        step(.bytes(bytes, pack: pack, age: age), at: now)
    }

    /// Handles a break in the bytes of a pack's source: half a frame is worth nothing now.
    public mutating func sourceChanged(pack: Int, _ change: SourceChange, at now: Moment) -> Outbox {
        step(.source(change, pack: pack), at: now)
    }

    /// Lets time pass. To be called at least once a second: silence must lower limits.
    public mutating func tick(at now: Moment) -> Outbox {
        let isRepeating = status.repeatAt.map { now.monotonic >= $0 } ?? false
        if isRepeating { status.repeatAt = nil }
        var outbox = Outbox()
        if status.isDoubted || isRepeating { outbox.send(bridgeStatus("online")) }
        status.isDoubted = false
        if isConnected { correct(at: now, into: &outbox) }
        for place in channels.indices where channels[place].mayCatchUp(at: now.monotonic) {
            engine.demandReport(of: place)
        }
        return step(.time, at: now, outbox)
    }

    /// Handles a connection that the broker has accepted.
    ///
    /// - Parameters:
    ///   - canExpire: the broker forgets retained messages by itself (MQTT 5).
    ///   - takesLarge: the line takes large messages; `nil`: ``lineChanged(takesLarge:)`` will say so, and until then none is sent.
    ///   - broker: place of the broker in the configuration.
    public mutating func connected(
        canExpire: Bool, takesLarge: Bool? = true, broker: Int = 0, at now: Moment
    ) -> Outbox {
        isConnected = true
        status.connectedAt = now.monotonic
        strangers.forgive()
        relays.connected(excludesOwn: canExpire)
        gx?.connected(tellsRetention: canExpire, at: now.monotonic)
        for place in channels.indices {
            channels[place].connected(canExpire: canExpire, takesLarge: takesLarge, broker: broker, at: now)
        }
        var outbox = Outbox()
        outbox.send(bridgeStatus("online"))
        outbox.send(departures.connected(areCorrected: canExpire, broker: broker, at: now.monotonic))
        return step(.connection, at: now, outbox)
    }

    /// Handles a change of the line: it takes large messages, or is too slow for them: announcements would hold up limits for minutes.
    public mutating func lineChanged(takesLarge: Bool) {
        for place in channels.indices { channels[place].lineChanged(takesLarge: takesLarge) }
    }

    /// Handles a topic whose messages the broker refuses, or accepts again: where the limits of a battery are concerned, nobody may rely on
    /// it. The next step says so. An announcement that is too large goes in small pieces.
    public mutating func refusalChanged(_ topic: String, isOver: Bool, isOfSize: Bool = false) {
        if !isOver { departures.refuse(topic) }
        for place in channels.indices
        where isOfSize && !isOver && topic == options.topics.deviceDiscovery(Discovery.node(channels[place].battery.id))
        {
            channels[place].breakUpAnnouncement()
        }
        for place in channels.indices where options.topics.limits(channels[place].battery.id) == topic {
            channels[place].limitsRefused(!isOver)
            engine.demandReport(of: place)
        }
    }

    /// Handles a connection that the broker ended because of a message that was too large for it: announcements are the only large ones.
    public mutating func packetTooLarge() {
        for place in channels.indices { channels[place].breakUpAnnouncement() }
    }

    /// Handles news of a CAN bus on which a battery is told, which come at least every few seconds. The battery's next documents show them.
    public mutating func busChanged(_ figures: BusFigures, battery: Int, at now: Timestamp) {
        let watch = BusWatch(figures, at: now)
        let place = buses[battery]?.firstIndex { $0.isAbout(figures) }
        guard let place else { return buses[battery, default: []].append(watch) }
        buses[battery]?[place] = watch
    }

    /// Handles the end of the connection. Nothing is kept for later but the newest state.
    public mutating func disconnected(at now: Moment) -> Outbox {
        isConnected = false
        relays.disconnected()
        var outbox = Outbox()
        departures.disconnected(at: now.monotonic, into: &outbox)
        return step(.disconnection, at: now, outbox)
    }

    /// Handles the connection that opens a relay when this program dies: it came up or went down.
    public mutating func guardChanged(_ relayGuard: RelayGuard, isUp: Bool, at now: Moment) -> Outbox {
        step(.relayGuard(relayGuard.relay, pack: relayGuard.pack, isUp: isUp), at: now)
    }

    /// Steps the engine and publishes its updates.
    ///
    /// - Parameters:
    ///   - outbox: messages that go out before those of the step.
    ///   - message: the command's; it says where else the answer goes.
    mutating func step(
        _ input: EngineInput, at now: Moment, _ outbox: Outbox = Outbox(), answering message: MQTTMessage? = nil
    ) -> Outbox {
        var outbox = outbox
        let isAlive = gx?.isAlive(at: now.monotonic) ?? false
        if isConnected {
            outbox.send(gx?.tick(at: now) ?? [])
            departures.step(at: now.monotonic, into: &outbox)
        }
        let result = engine.step(input, at: now)
        let isFrame = if case .bytes = input { true } else { false }
        for var update in result.updates {
            let place = update.battery
            update.report.bus = BusFigures.merged(buses[place]?.map { $0.figures(at: now.monotonic) } ?? [])
            if let complaint = update.report.bus?.complaint { update.report.advice.append(Advice(.canBus, complaint)) }
            update.report.advice += strangers.advice(update.report.battery.id, at: now.monotonic)
            channels[place].setTreeAlive(isAlive)
            let purge = prepare(update)
            // In a flood the bank of the pack is bounded, too.
            let isBounded = isFrame && (!update.report.battery.isBank || channels[result.updates[0].battery].isPutOff)
            channels[place].update(update, isFrame: isBounded, at: now, into: &outbox)
            outbox.send(purge)
        }
        outbox.updates += result.updates
        outbox.notices += result.notices
        outbox.answers += result.answers.map { answer($0, to: message, at: now) }
        if !isConnected { outbox.messages = [] }
        return outbox
    }

    /// Does what a command asks of the outputs.
    ///
    /// - Returns: messages that follow those of the update.
    private mutating func prepare(_ update: BatteryUpdate) -> [MQTTMessage] {
        guard update.trigger == .command else { return [] }
        channels[update.battery].repeatSettings()
        switch update.action {
        case .republish: channels[update.battery].republish()
        case .purgeDiscovery: return channels[update.battery].purgeDiscovery(update.report)
        case .clearPeaks, .allowDeepCharge, nil: break
        }
        return []
    }

    private func answer(_ result: CommandResult, to message: MQTTMessage?, at now: Moment) -> CommandAnswer {
        let response = message?.responseTopic.flatMap { access.mayAnswer(on: $0) ? [$0] : nil } ?? []
        return CommandAnswer(
            topics: [options.topics.result(result.battery)] + response, correlationData: message?.correlationData,
            result: result, time: now)
    }

    func bridgeStatus(_ text: String) -> MQTTMessage {
        MQTTMessage(options.topics.bridgeStatus, Array(text.utf8), qos: 1, retain: true)
    }
}
