import BatteryEngine
import BMSCore
import ChargeLimits
import MQTT

/// One battery, a pack or a bank, on MQTT: reports in, messages out, as many as the connection and a flood of frames permit.
struct BatteryChannel: Sendable {
    /// The battery by configuration.
    let battery: BatteryIdentity
    private var outputs: BatteryOutputs
    private var events: EventsOutput
    private var currents = GXCurrents()
    private var budget = MessageBudget()
    /// A part of the newest report waits for a report by time.
    private(set) var isPutOff = false
    /// The newest report; `nil` before the first.
    private var last: BatteryReport?
    /// Values of the last full update whose changes make everything go out at once.
    private var urgent: Urgent?
    private var connection = Connection()

    /// Knowledge of the connection to the broker.
    private struct Connection {
        /// The broker forgets retained messages by itself (MQTT 5).
        var canExpire = true
        /// The line takes large messages; `nil`: not known yet.
        var takesLarge: Bool? = true
        /// The broker refuses the limits: consumers must not rely on those that they see.
        var areLimitsRefused = false
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
        outputs = BatteryOutputs(battery, options)
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
            // Single values have a pace of their own, and must not hold up a fall.
            budget.record(messages.count { $0.precedence != .last }, at: now.monotonic)
        case .command, .relay, .connection:
            messages += events.publish(update.events, at: now, into: &outbox)
        }
        outbox.send(messages)
        if update.mustBeKept { outbox.saves.insert(battery.id) }
    }

    private mutating func documents(
        _ report: BatteryReport, _ trigger: Trigger, _ share: MessageBudget.Share, _ now: Moment
    ) -> [MQTTMessage] {
        var context = OutputContext(
            now: now, hasFrame: trigger == .frame, isUrgent: false, canExpire: connection.canExpire,
            takesLarge: connection.takesLarge, areLimitsRefused: connection.areLimitsRefused, gxCurrents: currents)
        switch share {
        case .nothing: return []
        case .limits: return outputs.publishLimits(report, context)
        case .all:
            let new = Urgent(report)
            context.isUrgent = new.differsBeyondLimits(from: urgent)
            let messages = outputs.publishLimits(report, context)
            context.isUrgent = new != urgent
            // A connection only repeats what is known; the next update finds what has changed.
            if trigger != .connection { urgent = new }
            return messages + outputs.publishRest(report, isConnection: trigger == .connection, context)
        }
    }

    private func fall(to report: BatteryReport) -> Fall {
        guard let sent = outputs.limits.levels, let permissions = urgent?.permissions else { return .ending }
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
    ///
    /// - Parameter broker: place of the broker in the configuration.
    mutating func connected(canExpire: Bool, takesLarge: Bool?, broker: Int, at now: Moment) {
        connection = Connection(canExpire: canExpire, takesLarge: takesLarge)
        outputs.reset()
        outputs.discovery.connected(to: broker, at: now)
    }

    /// Announces in small pieces from now on.
    mutating func breakUpAnnouncement() { outputs.discovery.breakUp() }

    /// Handles a change of the line.
    mutating func lineChanged(takesLarge: Bool) { connection.takesLarge = takesLarge }

    /// Handles limits that the broker refuses, or accepts again.
    mutating func limitsRefused(_ isRefused: Bool) { connection.areLimitsRefused = isRefused }

    /// Makes everything go out with the next update.
    mutating func republish() {
        outputs.reset()
        urgent = nil
    }

    /// Publishes the settings with the next update: a refusal makes a control of Home Assistant snap back.
    mutating func repeatSettings() { outputs.reset(.settings) }

    /// Publishes the status with the next update.
    mutating func repeatStatus() { outputs.resetStatus() }

    /// The battery's status is `online`, by this bridge.
    var isOnline: Bool { (last?.hasLiveLimits ?? false) && !connection.areLimitsRefused }

    /// These bytes are the newest settings document.
    func hasNewestSettings(_ payload: [UInt8]) -> Bool { outputs.settings.isNewest(payload) }

    /// A document of this kind can be published.
    func has(_ kind: DocumentKind) -> Bool { outputs.has(kind) }

    /// Publishes a document with the next update.
    mutating func repeatDocument(_ kind: DocumentKind) { outputs.reset(kind) }

    /// An announcement of these bytes was sent from here.
    func hasAnnounced(_ topic: String, _ payload: [UInt8]) -> Bool { outputs.discovery.hasSent(topic, payload) }

    /// Announces the battery once more.
    mutating func announceAgain(at now: Moment) { outputs.discovery.announceAgain(at: now) }

    /// Records a retained announcement for this battery.
    mutating func receiveAnnouncement(_ topic: String, _ payload: [UInt8], at now: Moment) {
        outputs.discovery.receive(topic, payload, at: now)
    }

    /// Handles a start of Home Assistant.
    mutating func homeAssistantStarted(at now: Moment) { outputs.discovery.homeAssistantStarted(at: now) }

    /// Removes the battery from Home Assistant.
    mutating func purgeDiscovery(_ report: BatteryReport) -> [MQTTMessage] { outputs.discovery.purge(report) }

    /// Records whether a client keeps the GX tree alive.
    mutating func setTreeAlive(_ isAlive: Bool) { outputs.tree?.setAlive(isAlive) }

    /// Everything at and below a path of the GX tree.
    mutating func treeValues(at path: String, _ report: BatteryReport) -> [MQTTMessage] {
        outputs.tree?.values(at: path, report, currents) ?? []
    }

    /// Messages that take the battery out of the GX tree.
    var treeClearing: [MQTTMessage] { outputs.tree?.clearing ?? [] }
}
