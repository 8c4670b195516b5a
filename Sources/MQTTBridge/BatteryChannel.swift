import BatteryEngine
import BMSCore
import ChargeLimits
import MQTT

/// The outputs of one battery, a pack or a bank: reports in, messages out.
struct BatteryChannel: Sendable {
    /// Events that wait for room; of more the newest count.
    private static let mostHeld = 16

    /// The battery by configuration.
    let battery: BatteryIdentity
    private let topics: Topics
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
    private var flow = Flow()
    /// The newest report; `nil` before the first.
    private(set) var last: BatteryReport?
    /// Values of the last full update whose changes make everything go out at once.
    private var urgent: Urgent?
    /// The line to the broker takes large messages; `nil`: not known yet on this connection.
    var takesLarge: Bool? = true
    /// The broker refuses the limits: consumers must not rely on those that they see.
    var areLimitsRefused = false
    private var canExpire = true

    /// Messages that wait in a flood of frames.
    private struct Flow {
        var budget = MessageBudget()
        /// Events that are not published yet.
        var held: [BatteryEvent] = []
        /// Something of the newest report was not published.
        var isPutOff = false
    }

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
    }

    init(_ battery: BatteryIdentity, _ options: BridgeOptions) {
        self.battery = battery
        topics = options.topics
        limits = LimitsOutput(battery.id, options)
        feed = options.gxFeed ? GXFeedOutput(battery.id, options) : nil
        status = StatusOutput(battery.id, options)
        discovery = DiscoveryOutput(battery, options)
        relays = RelaysOutput(battery.id, options)
        state = StateOutput(battery.id, options)
        cells = CellsOutput(battery.id, options)
        settings = SettingsOutput(battery.id, options)
        tree = options.gxTree.map { GXTreeOutput(battery, $0.topics, options) }
    }

    /// Continues where the channel of an earlier configuration stopped: a GX must not see its currents jump.
    mutating func goOn(from before: BatteryChannel) { (currents, flow) = (before.currents, before.flow) }

    /// A part of the newest report waits for a report by time.
    var isPutOff: Bool { flow.isPutOff }

    /// The rest of an update that was put off may be published now.
    func mayCatchUp(at now: Timestamp) -> Bool {
        guard flow.isPutOff, let last else { return false }
        return flow.budget.share(isFrame: false, fall(to: last), at: now) == .all
    }

    /// Publishes an update, as far as a flood of frames permits.
    ///
    /// - Parameter isFrame: bytes came from the pack's source.
    mutating func update(_ update: BatteryUpdate, isFrame: Bool, at now: Moment, into outbox: inout Outbox) {
        let report = update.report
        last = report
        currents.step(report.limits, at: now.monotonic)
        flow.held = (flow.held + update.events).suffix(Self.mostHeld)
        let share: MessageBudget.Share =
            isFrame ? flow.budget.share(isFrame: true, fall(to: report), at: now.monotonic) : .all
        // In a flood events wait for room; one at least goes out with each full update.
        let isFlooded = isFrame ? !flow.budget.isCalm(at: now.monotonic) : flow.isPutOff
        if isFrame { flow.budget.recordFrame(at: now.monotonic) }
        flow.isPutOff = share != .all
        var context = OutputContext(
            now: now, hasFrame: update.trigger == .frame, isUrgent: false, canExpire: canExpire, takesLarge: takesLarge,
            areLimitsRefused: areLimitsRefused, gxCurrents: currents)
        var messages: [MQTTMessage] = []
        switch share {
        case .nothing: break
        case .limits: messages = limits.update(report, context)
        case .all:
            let urgent = Urgent(report)
            context.isUrgent = urgent != self.urgent
            // A connection only repeats what is known; the next update finds what has changed.
            if update.trigger != .connection { self.urgent = urgent }
            messages = publish(report, update.trigger, &context)
        }
        // Relays cannot wait; they change once a second at most.
        let place = messages.first?.precedence == .first ? 1 : 0
        messages.insert(contentsOf: update.orders.map { $0.relay.command(isClosed: $0.isClosed) }, at: place)
        if share == .all {
            let room = isFlooded ? max(1, flow.budget.room(at: now.monotonic) - messages.count) : .max
            publishEvents(min(room, flow.held.count), at: now, &messages, &outbox)
        }
        outbox.send(messages)
        if update.mustBeKept { outbox.saves.insert(battery.id) }
        if isFrame || update.trigger == .time { flow.budget.record(messages.count, at: now.monotonic) }
    }

    /// Keeps the events of an update of which nothing may be published now.
    mutating func hold(_ update: BatteryUpdate, into outbox: inout Outbox) {
        flow.held = (flow.held + update.events).suffix(Self.mostHeld)
        if update.mustBeKept { outbox.saves.insert(battery.id) }
    }

    /// Everything but events, in the order of urgency.
    private mutating func publish(
        _ report: BatteryReport, _ trigger: Trigger, _ context: inout OutputContext
    ) -> [MQTTMessage] {
        var messages = limits.update(report, context)
        messages += feed?.update(report, context) ?? []
        messages += status.update(report, context)
        messages += discovery.update(report, context)
        if discovery.hasAnnounced, trigger != .connection, report.link.newestAt != nil {
            // An entity that was just announced shows nothing until its status and state come again.
            context.isUrgent = true
            status.reset()
        }
        messages += relays.update(report, context)
        messages += status.update(report, context)
        messages += state.update(report, context)
        messages += cells.update(report, context)
        messages += settings.update(report, context)
        messages += tree?.update(report, context) ?? []
        return messages
    }

    private mutating func publishEvents(
        _ room: Int, at now: Moment, _ messages: inout [MQTTMessage], _ outbox: inout Outbox
    ) {
        for event in flow.held.prefix(room) {
            messages.append(
                MQTTMessage(topics.event(battery.id), Documents.event(event.kind, event.text, at: now), qos: 1))
            if let level = event.level { outbox.log(level, "\(battery.title): \(event.text)") }
        }
        flow.held.removeFirst(room)
        if !flow.held.isEmpty { flow.isPutOff = true }
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
    /// Prepares for a new connection: everything goes out with its update, and the announcement as soon as the line takes it.
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
    func has(_ word: OwnWord) -> Bool {
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
    mutating func repeatDocument(_ word: OwnWord) {
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
    mutating func purgeDiscovery() -> [MQTTMessage] { last.map { discovery.purge($0) } ?? [] }

    /// Records whether a client keeps the GX tree alive.
    mutating func setTreeAlive(_ isAlive: Bool) { tree?.setAlive(isAlive) }

    /// Everything at and below a path of the GX tree.
    mutating func treeValues(at path: String, _ report: BatteryReport) -> [MQTTMessage] {
        tree?.values(at: path, report, currents) ?? []
    }

    /// Messages that take the battery out of the GX tree.
    var treeClearing: [MQTTMessage] { tree?.clearing ?? [] }
}
