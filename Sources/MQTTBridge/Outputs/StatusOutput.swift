import BatteryEngine
import BMSCore
import MQTT

/// Publishes `online` while good frames come, limits are known and the broker accepts them, else `offline`.
///
/// A status is never repeated without a cause: of two bridges with one pack, each would answer the other's `offline`.
struct StatusOutput: Output {
    private let topic: String
    /// The status that was sent last; `nil`: none was, or it must be sent again.
    private var sent: Bool?

    init(_ id: String, _ options: BridgeOptions) { topic = options.topics.status(id) }

    mutating func update(_ report: BatteryReport, _ context: OutputContext) -> [MQTTMessage] {
        let isOnline = report.hasLiveLimits && !context.areLimitsRefused
        guard isOnline != sent else { return [] }
        sent = isOnline
        return [MQTTMessage(topic, Array((isOnline ? "online" : "offline").utf8), qos: 1, retain: true)]
    }

    /// Makes the next update publish the status.
    mutating func reset() { sent = nil }
}
