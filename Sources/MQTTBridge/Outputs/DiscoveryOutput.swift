import BatteryEngine
import BMSCore
import MQTT

/// Announces a battery to Home Assistant when its ``Announcer`` says so.
struct DiscoveryOutput: Output {
    private let battery: BatteryIdentity
    /// Options, with the form of the present broker.
    private var options: BridgeOptions
    /// The form by configuration.
    private let form: DiscoveryMode
    /// Brokers, by their places, that did not take an announcement in one piece.
    private var brokersForPieces: Set<Int> = []
    private var broker = 0
    private var announcer: Announcer
    /// Announcements that were sent.
    private var sent = SentAnnouncements()
    /// Keys of optional entities that have had a value.
    private var known: Set<String> = []
    /// The last update announced entities: they show nothing until their status and state are published again.
    private(set) var hasAnnounced = false

    init(_ battery: BatteryIdentity, _ options: BridgeOptions) {
        self.battery = battery
        self.options = options
        form = options.discovery
        announcer = Announcer(options.topics, options.discovery, node: Discovery.node(battery.id))
    }

    mutating func update(_ report: BatteryReport, _ context: OutputContext) -> [MQTTMessage] {
        hasAnnounced = false
        let now = context.now.monotonic
        guard options.discovery != .off, context.takesLarge == true else { return [] }
        if announcer.needsLook(report.thresholds, at: now) {
            announcer.record(content(report), of: report.thresholds, at: now)
        }
        guard announcer.isDue(at: now), let content = announcer.content else { return [] }
        let discovery = discovery(report, content)
        guard let step = announcer.next(hasGone: !discovery.gone.isEmpty, at: now) else { return [] }
        let messages =
            switch step {
            case .announce: discovery.messages()
            case .revive: discovery.revival()
            case .migrate(let topics): Discovery.migration(topics)
            case .clear(let topics): Discovery.clearing(topics)
            }
        sent.record(messages)
        announcer.record(announced: discovery.keys)
        hasAnnounced = step == .announce || step == .revive
        return messages
    }

    /// Handles a connection to the broker at a place: what was announced before may never have arrived there.
    mutating func connected(to broker: Int, at now: Moment) {
        if broker != self.broker { announcer.forgetBroker() }
        self.broker = broker
        useForm()
        announceAgain(at: now)
    }

    /// Announces in small pieces at the present broker from now on, because it did not take one large one.
    mutating func breakUp() {
        guard form == .device, brokersForPieces.insert(broker).inserted else { return }
        useForm()
    }

    private mutating func useForm() {
        let form = form == .device && brokersForPieces.contains(broker) ? .entities : form
        guard form != options.discovery else { return }
        options.discovery = form
        announcer.change(to: form)
    }

    /// Announces the battery once more: what was announced before may never have arrived, or was overwritten.
    mutating func announceAgain(at now: Moment) { announcer.reconnect(at: now.monotonic) }

    /// Home Assistant has started: it gets the announcement within two seconds, and the state after it.
    mutating func homeAssistantStarted(at now: Moment) {
        announcer.homeAssistantStarted(at: now.monotonic + now.wall % 1_000)
    }

    /// Records a retained announcement for this battery.
    mutating func receive(_ topic: String, _ payload: [UInt8], at now: Moment) {
        announcer.receive(topic, payload, at: now.monotonic)
    }

    /// An announcement of these bytes was sent from here.
    func hasSent(_ topic: String, _ payload: [UInt8]) -> Bool { sent.contains(topic, payload) }

    /// Removes the battery from Home Assistant. It is announced in full first, or entities that were announced before this start would stay.
    mutating func purge(_ report: BatteryReport) -> [MQTTMessage] {
        announcer.pause()
        let content = Announcer.Content(
            cellCount: report.thresholds?.cellCount ?? announcer.content?.cellCount ?? 0)
        let announced = discovery(report, content, knowsAll: true).revival()
        // Where large messages wait, the newest alone of each topic would go out.
        let messages = (announced + Discovery.clearing(announced.map(\.topic))).map { message in
            var message = message
            message.precedence = .normal
            return message
        }
        sent.record(messages)
        return messages
    }

    private func discovery(
        _ report: BatteryReport, _ content: Announcer.Content, knowsAll: Bool = false
    ) -> Discovery {
        Discovery(
            options: options, battery: battery, context: report.pack?.context, cellCount: content.cellCount,
            firmware: content.firmware, known: knowsAll ? nil : content.known, announced: announcer.announced)
    }

    /// Everything on which the announcement depends; `nil` before the first frame.
    private mutating func content(_ report: BatteryReport) -> Announcer.Content? {
        guard report.thresholds != nil else { return nil }
        for metric in MetricCatalogue.optional {
            guard let key = metric.entity?.key, !known.contains(key), metric.value(report) != .null else { continue }
            known.insert(key)
        }
        return Announcer.Content(
            cellCount: report.cellCount, firmware: report.pack?.snapshot.keys.firmware,
            known: known.union(announcer.content?.known ?? []),
            basis: report.pack.map { SettingContext.Basis($0.snapshot) })
    }
}

/// Announcements that this bridge sent, by their hashes, to recognise them when they come back.
struct SentAnnouncements: Sendable {
    private static let most = 8_192
    private var hashes: Set<Int> = []

    /// Records messages.
    mutating func record(_ messages: [MQTTMessage]) {
        if hashes.count > Self.most { hashes = [] }
        for message in messages { hashes.insert(Self.hash(message.topic, message.payload)) }
    }

    /// A message of this topic and payload was recorded.
    func contains(_ topic: String, _ payload: [UInt8]) -> Bool { hashes.contains(Self.hash(topic, payload)) }

    private static func hash(_ topic: String, _ payload: [UInt8]) -> Int {
        var hasher = Hasher()
        hasher.combine(topic)
        hasher.combine(payload)
        return hasher.finalize()
    }
}
