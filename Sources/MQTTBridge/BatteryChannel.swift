import BatteryEngine
import BMSCore
import ChargeLimits
import MQTT

/// The outputs of one battery, a pack or a bank: reports in, messages out.
struct BatteryChannel: Sendable {
    /// The battery by configuration.
    let battery: BatteryIdentity
    private var limits: LimitsOutput
    private var feed: GXFeedOutput?
    private var status: StatusOutput
    private var discovery: DiscoveryOutput
    private var relays: RelaysOutput
    private var state: StateOutput
    private var cells: CellsOutput
    private var settings: SettingsOutput
    private var tree: GXTreeOutput?
    private var currents = GXCurrents()
    private var events: EventsOutput
    private var budget = MessageBudget()
    /// A part of the newest report waits for a report by time.
    private(set) var isPutOff = false
    /// The newest report; `nil` before the first.
    private(set) var last: BatteryReport?
    /// Values of the last full update whose changes make everything go out at once.
    private var urgent: Urgent?
    /// The line to the broker takes large messages; `nil`: not known yet on this connection.
    var takesLarge: Bool? = true
    /// The broker refuses the limits: consumers must not rely on those that they see.
    var areLimitsRefused = false
    private var canExpire = true

    private struct Urgent: Hashable {
        var levels: Limits.Levels?
        var charge: ChargeState?
        var alarms: [AlarmLevel?]
        var permissions: StatusFlags
        var contacts: SecondStatus?
        var relays: [RelayState]

        init(_ report: BatteryReport) {
            levels = report.limits?.levels
            charge = report.limits?.state
            alarms = AlarmTable.rows.map { $0.level(report) }
            permissions = report.flags ?? []
            contacts = report.keys?.secondStatus
            relays = report.relays.map(\.urgent)
        }

        /// More has changed than the limits, which ``LimitsOutput`` compares itself. At first nothing has.
        func differsBeyondLimits(from old: Urgent?) -> Bool {
            guard let old else { return false }
            var rest = self
            (rest.levels, rest.charge) = (old.levels, old.charge)
            return rest != old
        }
    }

    init(_ battery: BatteryIdentity, _ options: BridgeOptions) {
        self.battery = battery
        limits = LimitsOutput(battery.id, options)
        feed = options.gxFeed ? GXFeedOutput(battery.id, options) : nil
        status = StatusOutput(battery.id, options)
        discovery = DiscoveryOutput(battery, options)
        relays = RelaysOutput(battery.id, options)
        state = StateOutput(battery.id, options)
        cells = CellsOutput(battery.id, options)
        settings = SettingsOutput(battery.id, options)
        tree = options.gxTree.map { GXTreeOutput(battery, $0.topics, options) }
        events = EventsOutput(battery, options)
    }

    /// Continues where the channel of an earlier configuration stopped: a GX must not see its currents jump while its limits go on.
    mutating func resume(from before: BatteryChannel) {
        (currents, budget, isPutOff) = (before.currents, before.budget, before.isPutOff)
        events.resume(from: before.events)
    }

    /// Something that waits may be published with a report by time.
    func mayCatchUp(at now: Timestamp) -> Bool {
        guard isPutOff || events.count > 0, let last else { return false }
        return budget.share(isFrame: false, fall(to: last), at: now) == .all
    }

    /// Publishes an update, as far as a flood of frames permits.
    ///
    /// - Parameter isFrame: bytes that came from a source have caused the update, and must not flood the broker.
    mutating func update(_ update: BatteryUpdate, isFrame: Bool, at now: Moment, into outbox: inout Outbox) {
        let report = update.report
        last = report
        currents.step(report.limits, at: now.monotonic)
        let share = isFrame ? budget.share(isFrame: true, fall(to: report), at: now.monotonic) : .all
        let isFlooded = (isFrame && !budget.isCalm(at: now.monotonic)) || isPutOff || events.count > 0
        if isFrame { budget.recordFrame(at: now.monotonic) }
        isPutOff = share != .all
        var messages = documents(report, update.trigger, share, now)
        // Relays cannot wait. One that closes was open for a second at least, so that they are bounded, too.
        let place = messages.first?.precedence == .first ? 1 : 0
        messages.insert(contentsOf: update.orders.map { $0.relay.command(isClosed: $0.isClosed) }, at: place)
        switch update.trigger {
        case .frame, .time:
            events.add(update.events, at: now)
            if share == .all {
                // In a flood one event at least goes out with each full update.
                let room = isFlooded ? max(1, budget.room(at: now.monotonic) - messages.count) : events.count
                messages += events.publish(room, into: &outbox)
            }
            budget.record(messages.count, at: now.monotonic)
        case .command, .relay, .connection:
            messages += events.publish(update.events, at: now, into: &outbox)
        }
        outbox.send(messages)
        if update.mustBeKept { outbox.saves.insert(battery.id) }
    }

    private mutating func documents(
        _ report: BatteryReport, _ trigger: Trigger, _ share: MessageBudget.Share, _ now: Moment
    ) -> [MQTTMessage] {
        let new = Urgent(report)
        var context = OutputContext(
            now: now, hasFrame: trigger == .frame, isUrgent: new.differsBeyondLimits(from: urgent),
            canExpire: canExpire, takesLarge: takesLarge, areLimitsRefused: areLimitsRefused, gxCurrents: currents)
        switch share {
        case .nothing: return []
        case .limits:
            context.isUrgent = false
            return limits.update(report, context)
        case .all:
            let messages = limits.update(report, context)
            context.isUrgent = new != urgent
            // A connection only repeats what is known; the next update finds what has changed.
            if trigger != .connection { urgent = new }
            return messages + publish(report, trigger, &context)
        }
    }

    /// Everything but limits and events, in the order of urgency.
    private mutating func publish(
        _ report: BatteryReport, _ trigger: Trigger, _ context: inout OutputContext
    ) -> [MQTTMessage] {
        var messages = feed?.update(report, context) ?? []
        messages += status.update(report, context)
        messages += discovery.update(report, context)
        if discovery.hasAnnounced, trigger != .connection {
            // An entity that was just announced shows nothing until its status and state come again.
            context.isUrgent = true
            if report.link.newestAt != nil { status.reset() }
        }
        messages += relays.update(report, context)
        messages += status.update(report, context)
        messages += state.update(report, context)
        messages += cells.update(report, context)
        messages += settings.update(report, context)
        messages += tree?.update(report, context) ?? []
        return messages
    }

    private func fall(to report: BatteryReport) -> Fall {
        guard let sent = limits.levels, let permissions = urgent?.permissions else { return .ending }
        guard report.status.permissions.union(report.status.alarms).careful.isSubset(of: permissions.careful) else {
            return .ending
        }
        guard let new = report.limits?.levels else { return .none }
        if [(new.ccl, sent.ccl), (new.dcl, sent.dcl)].contains(where: { $0.rawValue == 0 && $1.rawValue > 0 }) {
            return .ending
        }
        return new.cvl < sent.cvl || new.ccl < sent.ccl || new.dcl < sent.dcl ? .lower : .none
    }
}

/// Connections, and messages of others.
extension BatteryChannel {
    /// Prepares for a new connection: every document goes out with its update, and the announcement as soon as the line takes it.
    mutating func connected(canExpire: Bool, at now: Moment) {
        self.canExpire = canExpire
        areLimitsRefused = false
        resetDocuments()
        discovery.announceAgain(at: now)
    }

    /// Makes everything go out with the next update.
    mutating func republish() {
        resetDocuments()
        urgent = nil
    }

    private mutating func resetDocuments() {
        limits.reset()
        status.reset()
        relays.reset()
        state.reset()
        cells.reset()
        settings.reset()
    }

    /// Publishes the settings with the next update: a refusal makes a control of Home Assistant snap back.
    mutating func repeatSettings() { settings.reset() }

    /// Publishes the status with the next update.
    mutating func repeatStatus() { status.reset() }

    /// The battery's status is `online`, by this bridge.
    var isOnline: Bool { (last?.freshness.isLive ?? false) && !areLimitsRefused }

    /// These bytes are the newest settings document.
    func hasNewestSettings(_ payload: [UInt8]) -> Bool { settings.isNewest(payload) }

    /// A document of this kind can be published.
    func has(_ word: DocumentKind) -> Bool {
        switch word {
        case .limits: limits.levels != nil
        case .state: state.isKnown
        case .cells: !battery.isBank && state.isKnown
        case .relays: !battery.relays.isEmpty
        case .settings: !battery.isBank
        case .gx, .result, .event: false
        }
    }

    /// Publishes a document with the next update.
    mutating func repeatDocument(_ word: DocumentKind) {
        switch word {
        case .limits: limits.reset()
        case .state: state.reset()
        case .cells: cells.reset()
        case .relays: relays.reset()
        case .settings: settings.reset()
        case .gx, .result, .event: break
        }
    }

    /// An announcement of these bytes was sent from here.
    func hasAnnounced(_ topic: String, _ payload: [UInt8]) -> Bool { discovery.hasSent(topic, payload) }

    /// Announces the battery once more.
    mutating func announceAgain(at now: Moment) { discovery.announceAgain(at: now) }

    /// Records a retained announcement for this battery.
    mutating func receiveAnnouncement(_ topic: String, _ payload: [UInt8], at now: Moment) {
        discovery.receive(topic, payload, at: now)
    }

    /// Handles a start of Home Assistant.
    mutating func homeAssistantStarted(at now: Moment) { discovery.homeAssistantStarted(at: now) }

    /// Removes the battery from Home Assistant.
    mutating func purgeDiscovery(_ report: BatteryReport) -> [MQTTMessage] { discovery.purge(report) }

    /// Records whether a client keeps the GX tree alive.
    mutating func setTreeAlive(_ isAlive: Bool) { tree?.setAlive(isAlive) }

    /// Everything at and below a path of the GX tree.
    mutating func treeValues(at path: String, _ report: BatteryReport) -> [MQTTMessage] {
        tree?.values(at: path, report, currents) ?? []
    }

    /// Messages that take the battery out of the GX tree.
    var treeClearing: [MQTTMessage] { tree?.clearing ?? [] }
}
