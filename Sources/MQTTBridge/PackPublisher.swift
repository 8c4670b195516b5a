import MQTT
import BMSCore
import ChargeLimits

/// What of a pack is sent when: at once where a limit, an alarm or a permission changed, else at its heartbeat.
struct PackPublisher: Sendable {
    private let options: PackOptions
    private let bridge: BridgeOptions
    private let topics: OftenUsed
    private var canExpire = true
    private var isOnline: Bool?
    private var lastChange: Change?
    /// What the state document of ``stateAt`` held.
    private var stateValues: [MetricValue] = []
    private var stateAt: Timestamp?
    private var limitsAt: Timestamp?
    private var limitsSent: SentLimits?
    /// They went out with this step.
    private var hasSentLimits = false
    private var limitsDocument = LimitsDocument()
    private var cellsAt: Timestamp?
    private var relaysAt: Timestamp?
    private var gx = GXPace()
    /// Those of this step, as long as they are looked at.
    private var gxValues = ValueList()
    /// Cells of the largest GX document so far.
    private var gxCells = 0
    /// What the settings document that was sent last was made of.
    private var settings: SettingsContent?
    private var settingsDocument: [UInt8] = []
    private var announcer: Announcer
    /// Announcements that went out.
    private var said = SaidWords()
    /// By the catalogue's optional rows.
    private var hadValue = MetricCatalogue.optional.map { _ in false }
    private var link = LinkWatch()
    /// Knowledge of the line to the broker.
    enum Line {
        /// Nothing yet, on this connection.
        case unknown
        case narrow
        case wide
    }

    /// Announcements wait until it is wide: tens of kilobytes would hold up limits for minutes.
    var line = Line.wide
    /// Seconds that limits last until the line is known. They are renewed after five; on the way, behind all that is said at first, they
    /// may spend the rest of their 30.
    private static let firstExpiry = 9
    /// The broker takes no limits of this pack: whoever reads others there must not rely on them.
    var areLimitsRefused = false

    /// Topics of what goes out often, put together once.
    private struct OftenUsed {
        let limits: String
        let gx: String
        let state: String
        let cells: String
    }

    /// What makes everything go out at once.
    private struct Change: Hashable {
        var limits: SentLimits?
        var alarms: [AlarmLevel?]
        var permissions: StatusFlags
        var contacts: SecondStatus?
        var relays: [RelayState]

        /// In more than what limits are sent for by themselves.
        func differsBeyondLimits(from old: Change) -> Bool {
            var rest = self
            rest.limits = old.limits
            return rest != old
        }
    }

    /// What of the limits document makes another go out at once.
    private struct SentLimits: Hashable {
        var levels: Limits.Levels
        var state: ChargeState

        init(_ limits: Limits) {
            levels = limits.levels
            state = limits.state
        }
    }

    /// What the settings document depends on.
    private struct SettingsContent: Hashable {
        var settings: CommandedSettings
        var basis: SettingContext.Basis
    }

    init(_ options: PackOptions, _ bridge: BridgeOptions) {
        self.options = options
        self.bridge = bridge
        topics = OftenUsed(
            limits: bridge.topics.limits(options.id), gx: bridge.topics.gx(options.id),
            state: bridge.topics.state(options.id), cells: bridge.topics.cells(options.id))
        announcer = Announcer(bridge.topics, bridge.discovery, node: Discovery.node(options.id))
    }

    /// What was sent last permits so much more than what is true now.
    func fall(to limits: Limits?, _ snapshot: PackSnapshot) -> Fall {
        guard let sent = limitsSent?.levels, let told = lastChange?.permissions else { return .ending }
        guard snapshot.permissions.union(snapshot.alarms).careful.isSubset(of: told.careful) else { return .ending }
        guard let limits else { return .none }
        if [(limits.ccl, sent.ccl), (limits.dcl, sent.dcl)].contains(where: { $0.rawValue == 0 && $1.rawValue > 0 }) {
            return .ending
        }
        return limits.cvl < sent.cvl || limits.ccl < sent.ccl || limits.dcl < sent.dcl ? .lower : .none
    }

    /// Sends limits that are due: before anything else of the step.
    ///
    /// - Parameter age: of the data that they rest on, ms; 0 where they rest on none.
    mutating func publishLimits(
        _ limits: Limits, age: Int64, hasFrame: Bool, at now: Moment, into outbox: inout Outbox
    ) {
        hasSentLimits = false
        let isChanged = SentLimits(limits) != limitsSent
        guard Self.isDue(limitsAt, bridge.limitsInterval, isChanged, hasFrame, now) else { return }
        sendLimits(limits, age: age, now, &outbox)
        hasSentLimits = true
    }

    /// Sends what the view holds, as far as it is due.
    mutating func publish(_ view: PackView, hasFrame: Bool, at now: Moment, into outbox: inout Outbox) {
        let change = Self.change(view)
        let isChanged = change != lastChange
        // The first limits at a fresh source must not wait for a heartbeat; before them there is nothing to say.
        if let limits = view.limits {
            // Not only limits make them due: a permission that changed does, too.
            let isNews = change.limits != limitsSent || lastChange.map(change.differsBeyondLimits) == true
            if !hasSentLimits, Self.isDue(limitsAt, bridge.limitsInterval, isNews, hasFrame, now) {
                sendLimits(limits, age: view.dataAge, now, &outbox)
            }
            sendGX(view, isPressing: hasFrame || isChanged, now, &outbox)
        }
        noteLink(view, at: now, into: &outbox)
        sendStatus(view, &outbox)
        let isAnnounced = announce(view, now, &outbox)
        let isForced = isChanged || isAnnounced
        // Relays are told of before the first frame, too: they stand open then.
        if !options.relays.isEmpty, Self.isDue(relaysAt, bridge.limitsInterval, isForced, hasFrame, now) {
            sendRelays(view, now, &outbox)
        }
        if view.snapshot.linkAt != nil {
            // An entity that was just announced shows nothing until its status and state come again.
            if isAnnounced { isOnline = nil }
            sendStatus(view, &outbox)
            sendState(view, isForced: isForced, hasFrame: hasFrame, now, &outbox)
            if !options.isBank, Self.isDue(cellsAt, bridge.cellsInterval, isForced, hasFrame, now) {
                sendCells(view, now, &outbox)
            }
        }
        if isChanged {
            tell(change, at: now, into: &outbox)
            lastChange = change
        }
    }

    /// A new connection: status first, then the newest documents, and the announcement when the line is known to be wide. Never a queue of old ones.
    mutating func connected(_ view: PackView, canExpire: Bool, at now: Moment, into outbox: inout Outbox) {
        self.canExpire = canExpire
        areLimitsRefused = false
        isOnline = nil
        settings = nil
        sendStatus(view, &outbox)
        announcer.reconnect(at: now.monotonic)
        _ = announce(view, now, &outbox)
        if let limits = view.limits { sendLimits(limits, age: view.dataAge, now, &outbox) }
        if !options.relays.isEmpty { sendRelays(view, now, &outbox) }
        if view.snapshot.linkAt != nil {
            sendState(view, isForced: true, hasFrame: false, now, &outbox)
            if !options.isBank { sendCells(view, now, &outbox) }
        }
    }

    /// Home Assistant has started: it gets the announcement within two seconds, and the state after it.
    mutating func born(at now: Moment) {
        announcer.restart(at: now.monotonic + now.wall % 1_000)
    }

    /// Sends the settings where they, or their bounds, changed.
    mutating func publishSettings(
        _ settings: CommandedSettings, _ pack: Shared<PackOptions>, _ snapshot: PackSnapshot, into outbox: inout Outbox
    ) {
        let content = SettingsContent(settings: settings, basis: SettingContext.Basis(snapshot))
        guard content != self.settings else { return }
        self.settings = content
        let document = Documents.settings(settings, SettingContext(pack: pack, snapshot: snapshot))
        settingsDocument = document
        outbox.send(MQTTMessage(bridge.topics.settings(options.id), document, qos: 1, retain: true))
    }

    /// The settings go out with the next step, changed or not.
    mutating func forgetSettings() { settings = nil }

    /// The settings document of these bytes is the newest.
    func hasSaidSettings(_ payload: [UInt8]) -> Bool { payload == settingsDocument }

    /// There is such a document to send.
    func knows(_ word: OwnWord) -> Bool {
        switch word {
        case .limits: limitsSent != nil
        case .state: !stateValues.isEmpty
        case .cells: !options.isBank && !stateValues.isEmpty
        case .relays: !options.relays.isEmpty
        case .settings: !options.isBank
        case .gx, .result, .event: false
        }
    }

    /// A document that is known goes out with the next step.
    mutating func forget(_ word: OwnWord) {
        switch word {
        case .limits: limitsAt = nil
        case .state: stateAt = nil
        case .cells: cellsAt = nil
        case .relays: relaysAt = nil
        case .settings: settings = nil
        case .gx, .result, .event: break
        }
    }

    /// An announcement of these bytes went out from here.
    func hasSaid(_ topic: String, _ payload: [UInt8]) -> Bool { said.contains(topic, payload) }

    /// The announcement goes out once more.
    mutating func announceAgain(at now: Moment) { announcer.reconnect(at: now.monotonic) }

    /// The status goes out with the next step.
    mutating func forgetStatus() { isOnline = nil }

    /// Everything goes out with the next step.
    mutating func republish() {
        (stateAt, limitsAt, cellsAt, relaysAt, lastChange, isOnline, settings) = (nil, nil, nil, nil, nil, nil, nil)
    }

    /// Takes the pack out of Home Assistant: announced in full first, or what was announced before this start would stay.
    mutating func purge(_ context: SettingContext) -> [MQTTMessage] {
        announcer.pause()
        let cellCount = context.snapshot.settings?.cellCount ?? announcer.content?.cellCount ?? 0
        let announced = Discovery(
            options: bridge, context: context, cellCount: cellCount, announced: announcer.announced
        ).revival()
        // Where large messages wait, of a topic the newest alone would go out.
        let messages = (announced + Discovery.clearing(announced.map(\.topic))).map { message in
            var message = message
            message.precedence = .normal
            return message
        }
        said.note(messages)
        return messages
    }

    /// A retained announcement for this pack was heard.
    mutating func heard(_ topic: String, _ payload: [UInt8], at now: Moment) {
        announcer.heard(topic, payload, at: now.monotonic)
    }

    /// A message for the event topic.
    func event(_ kind: String, _ text: String, at now: Moment) -> MQTTMessage {
        MQTTMessage(bridge.topics.event(options.id), Documents.event(kind, text, at: now), qos: 1)
    }

    private static func isDue(_ last: Timestamp?, _ interval: Int64, _ isChanged: Bool, _ hasFrame: Bool, _ now: Moment)
        -> Bool
    {
        guard let last, !isChanged else { return true }
        if interval == 0 { return hasFrame || now.monotonic - last >= 5_000 }
        // Frames come once a second: half a second early is better than half a second late.
        return now.monotonic - last >= interval - 500
    }

    private static func change(_ view: PackView) -> Change {
        Change(
            limits: view.limits.map(SentLimits.init),
            alarms: AlarmTable.rows.map { $0.level(view) }, permissions: view.status ?? [],
            contacts: view.keys?.secondStatus, relays: view.relays.map(\.urgent))
    }

    // MARK: Documents

    private mutating func expiring(
        _ topic: String, _ payload: [UInt8], interval: Int64, age: Int64 = 0,
        _ precedence: MQTTMessage.Precedence = .normal
    ) -> MQTTMessage {
        // Where nothing expires, a dead bridge would leave limits behind for ever: so nothing is retained there.
        // A broker counts whole seconds and may keep a message for the whole of the last: two less keep the promise.
        let expiry = max(1, max(bridge.expiry, Int(interval) * 3 / 1000) - 2 - Int(age / 1000))
        var message = MQTTMessage(topic, payload, retain: canExpire, expiry: canExpire ? expiry : nil)
        message.precedence = precedence
        return message
    }

    private mutating func sendLimits(_ limits: Limits, age: Int64, _ now: Moment, _ outbox: inout Outbox) {
        limitsAt = now.monotonic
        limitsSent = SentLimits(limits)
        let document = limitsDocument.bytes(limits, time: Documents.time(now))
        // A limit never outlives the expiry, whatever the heartbeat; neither does the data that it rests on.
        var message = expiring(topics.limits, document, interval: 0, age: age, .first)
        if line == .unknown { message.expiry = message.expiry.map { min($0, Self.firstExpiry) } }
        outbox.send(message)
    }

    private mutating func sendRelays(_ view: PackView, _ now: Moment, _ outbox: inout Outbox) {
        relaysAt = now.monotonic
        outbox.send(expiring(bridge.topics.relays(options.id), Documents.relays(view.relays), interval: 0, .early))
    }

    /// Sends the document where it is forced, where its heartbeat is due, and where a value left its deadband.
    private mutating func sendState(
        _ view: PackView, isForced: Bool, hasFrame: Bool, _ now: Moment, _ outbox: inout Outbox
    ) {
        guard Self.isDue(stateAt, bridge.stateInterval, isForced, hasFrame, now) else { return }
        let heartbeat = bridge.economy == .off ? bridge.stateInterval : max(bridge.stateInterval, bridge.stateHeartbeat)
        guard Self.isDue(stateAt, heartbeat, isForced, hasFrame, now) || bridge.stateInterval == 0 || hasNews(view)
        else {
            return
        }
        stateAt = now.monotonic
        let values = MetricCatalogue.state.map { $0.value(view) }
        stateValues = values
        outbox.send(expiring(topics.state, Documents.state(values), interval: 0, age: view.dataAge))
    }

    /// Mutating, as is all that each step calls: for a method that is not the compiler copies this structure first.
    private mutating func hasNews(_ view: PackView) -> Bool {
        let rows = MetricCatalogue.state
        guard stateValues.count == rows.count else { return true }
        // With the factor 0 each change is news, heartbeats' too; else these are not even looked at: sentences are dear.
        return rows.indices.contains { index in
            let deadband = rows[index].deadband
            return (deadband != .heartbeat || bridge.economy.factor == 0)
                && deadband.isNews(rows[index].value(view), after: stateValues[index], factor: bridge.economy.factor)
        }
    }

    private mutating func sendCells(_ view: PackView, _ now: Moment, _ outbox: inout Outbox) {
        cellsAt = now.monotonic
        outbox.send(expiring(topics.cells, Documents.cells(view), interval: bridge.cellsInterval))
    }

    private mutating func sendGX(_ view: PackView, isPressing: Bool, _ now: Moment, _ outbox: inout Outbox) {
        // Nothing in it tells its age: what a broker held back, or a line carries too slowly, must not arrive.
        let age = view.dataAge
        guard bridge.gxFeed, age <= GXDocument.latest,
            gx.maySend(isPressing: isPressing, age: view.snapshot.age(at: now.monotonic) ?? 0, at: now),
            GXDocument.values(view, mostCells: gxCells, into: &gxValues),
            gx.isDue(&gxValues, bridge.economy, at: now)
        else { return }
        gxCells = max(gxCells, view.listedCells)
        // A broker counts whole seconds, and may keep a message for the whole of the last.
        let expiry = (GXDocument.latest - 1000 - age) / 1000
        var message = MQTTMessage(topics.gx, GXDocument.document(gx.sent.values), expiry: max(1, Int(expiry)))
        message.precedence = .early
        outbox.send(message)
    }

    private mutating func announce(_ view: PackView, _ now: Moment, _ outbox: inout Outbox) -> Bool {
        guard bridge.discovery != .off, line == .wide else { return false }
        if announcer.isLookDue(view.snapshot.settings, at: now.monotonic) {
            let content = view.snapshot.settings.map { settings in
                Announcer.Content(
                    cellCount: options.isBank ? 0 : settings.cellCount, firmware: view.snapshot.keys.firmware,
                    known: known(view), basis: SettingContext.Basis(view.snapshot))
            }
            announcer.note(content, at: now.monotonic)
        }
        guard announcer.isDue(at: now.monotonic), let content = announcer.content else { return false }
        let context = SettingContext(pack: view.pack, snapshot: view.snapshot)
        let discovery = Discovery(
            options: bridge, context: context, cellCount: content.cellCount, firmware: content.firmware,
            known: content.known, announced: announcer.announced)
        guard let step = announcer.next(hasGone: !discovery.gone.isEmpty, at: now.monotonic) else { return false }
        let messages =
            switch step {
            case .announce: discovery.messages()
            case .revive: discovery.revival()
            case .migrate(let topics): Discovery.migration(topics)
            case .clear(let topics): Discovery.clearing(topics)
            }
        said.note(messages)
        outbox.send(messages)
        announcer.note(announced: discovery.keys)
        return step == .announce || step == .revive
    }

    /// Optional entities that have, or had, a value.
    private mutating func known(_ view: PackView) -> Set<String> {
        var known = announcer.content?.known ?? []
        for (index, metric) in MetricCatalogue.optional.enumerated() where !hadValue[index] {
            guard let key = metric.entity?.key, metric.value(view) != .null else { continue }
            hadValue[index] = true
            known.insert(key)
        }
        return known
    }

    // MARK: Events

    private mutating func sendStatus(_ view: PackView, _ outbox: inout Outbox) {
        let online = view.freshness.isLive && !areLimitsRefused
        guard online != isOnline else { return }
        isOnline = online
        outbox.send(
            MQTTMessage(
                bridge.topics.status(options.id), Array((online ? "online" : "offline").utf8), qos: 1, retain: true))
    }

    private mutating func noteLink(_ view: PackView, at now: Moment, into outbox: inout Outbox) {
        switch link.step(view) {
        case .found(let text):
            outbox.send(event("linkFound", text, at: now))
            outbox.say(.info, "\(options.title): \(text)")
        case .lost(let text):
            outbox.send(event("linkLost", text, at: now))
            outbox.say(.warning, "\(options.title): \(text)")
        case nil: break
        }
    }

    private func tell(_ change: Change, at now: Moment, into outbox: inout Outbox) {
        let old = lastChange?.alarms ?? []
        for (index, row) in AlarmTable.rows.enumerated() {
            // Unknown is no news, and at the start everything was well.
            guard let level = change.alarms[index] else { continue }
            let before = (old.indices.contains(index) ? old[index] : nil) ?? AlarmLevel.none
            guard level != before else { continue }
            let text = "\(row.title): \(level == .none ? "cleared" : level == .warning ? "warning" : "alarm")"
            outbox.send(event("alarm", text, at: now))
            if row.isLogged {
                outbox.say(level == .alarm ? .warning : .info, "\(options.title): \(text)")
            }
        }
        if let state = change.limits?.state, let last = lastChange?.limits?.state, state != last {
            outbox.send(event("chargeState", "charge state \(last.rawValue) -> \(state.rawValue)", at: now))
        }
        if let last = lastChange?.permissions, last != change.permissions, change.limits != nil {
            let words = [
                (StatusFlags.chargeAllowed, "charging"), (StatusFlags.dischargeAllowed, "discharging"),
            ].filter { last.contains($0.0) != change.permissions.contains($0.0) }.map {
                "\($0.1) \(change.permissions.contains($0.0) ? "permitted" : "not permitted")"
            }
            if !words.isEmpty { outbox.send(event("permission", words.joined(separator: ", "), at: now)) }
        }
    }
}
