import BatteryEngine
import BMSCore
import MQTT

/// The outputs of one battery, in the order in which their messages go out.
struct BatteryOutputs: Sendable {
    private let battery: BatteryIdentity
    private(set) var limits: LimitsOutput
    private var feed: GXFeedOutput?
    private var status: StatusOutput
    var discovery: DiscoveryOutput
    private var relays: RelaysOutput
    private var state: StateOutput
    private var cells: CellsOutput
    private(set) var settings: SettingsOutput
    var tree: GXTreeOutput?
    private var values: ValuesOutput?

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
        values = options.publishesValues ? ValuesOutput(battery, options) : nil
    }

    /// Publishes the limits alone.
    mutating func publishLimits(_ report: BatteryReport, _ context: OutputContext) -> [MQTTMessage] {
        limits.update(report, context)
    }

    /// Publishes the other documents.
    ///
    /// - Parameter isConnection: everything is published for a new connection.
    mutating func publishRest(
        _ report: BatteryReport, isConnection: Bool, _ context: OutputContext
    ) -> [MQTTMessage] {
        var context = context
        var messages = feed?.update(report, context) ?? []
        messages += status.update(report, context)
        messages += discovery.update(report, context)
        if discovery.hasAnnounced, !isConnection {
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
        messages += values?.update(report, context) ?? []
        return messages
    }

    /// Makes the next update publish every document.
    mutating func reset() {
        limits.reset()
        status.reset()
        relays.reset()
        state.reset()
        cells.reset()
        settings.reset()
        values?.reset()
    }

    /// Makes the next update publish the status.
    mutating func resetStatus() { status.reset() }

    /// A document of this kind can be published.
    func has(_ kind: DocumentKind) -> Bool {
        switch kind {
        case .limits: limits.levels != nil
        case .state: state.isKnown
        case .cells: !battery.isBank && state.isKnown
        case .relays: !battery.relays.isEmpty
        case .settings: !battery.isBank
        case .gx, .result, .event: false
        }
    }

    /// Makes the next update publish a document.
    mutating func reset(_ kind: DocumentKind) {
        switch kind {
        case .limits: limits.reset()
        case .state: state.reset()
        case .cells: cells.reset()
        case .relays: relays.reset()
        case .settings: settings.reset()
        case .gx, .result, .event: break
        }
    }
}
