import BatteryEngine
import BMSCore
import MQTT

/// Publishes the document for the GX driver dbus-mqtt-battery: at most once a second of the wall's clock, at once with a change, again a
/// second after a change, and at a heartbeat.
///
/// Again after a change: of two documents in one second of its own clock the driver does not apply the second until another comes.
struct GXFeedOutput: Output {
    /// While frames come each second, a tick between two of them leaves the second to the next: its data is newer.
    private static let frameInterval: Int64 = 1_200
    private static let patience: Int64 = 1_500
    /// Frames come once a second: half a second early is better than half a second late.
    private static let early: Int64 = 500

    private let topic: String
    private let economy: Economy
    private var second: Int64?
    private var sentAt: Timestamp?
    /// Values of the last document.
    private var sent: [MetricValue?] = []
    /// The last document brought a change.
    private var wasChange = false
    /// Number of cells of the largest document so far.
    private var mostCells = 0

    init(_ id: String, _ options: BridgeOptions) {
        topic = options.topics.gx(id)
        economy = options.economy
    }

    mutating func update(_ report: BatteryReport, _ context: OutputContext) -> [MQTTMessage] {
        // Nothing in the document shows its age: one that a broker held back, or a slow line carries, must not arrive.
        let age = report.dataAge
        guard age <= GXDocument.latest, mayUseSecond(report, context),
            let values = GXDocument.values(report, context.gxCurrents, mostCells: mostCells)
        else { return [] }
        let now = context.now
        let isChange = GXDocument.isNews(values, after: sent, factor: economy.factor)
        let isBeat = sentAt.map { now.monotonic - $0 >= economy.gxHeartbeat - Self.early } ?? true
        guard isChange || wasChange || isBeat else { return [] }
        (wasChange, second, sentAt, sent) = (isChange, now.wallSecond, now.monotonic, values)
        mostCells = max(mostCells, report.cellCount)
        // A broker counts whole seconds, and may keep a message for the whole of the last.
        let expiry = (GXDocument.latest - 1000 - age) / 1000
        var message = MQTTMessage(topic, GXDocument.document(values), expiry: max(1, Int(expiry)))
        message.precedence = .early
        return [message]
    }

    /// This second of the wall's clock had no document yet, and this step may use it.
    private func mayUseSecond(_ report: BatteryReport, _ context: OutputContext) -> Bool {
        guard second != context.now.wallSecond else { return false }
        return context.hasFrame || context.isUrgent || (report.linkAge ?? 0) > Self.frameInterval
            || sentAt.map { context.now.monotonic - $0 >= Self.patience } ?? true
    }
}
