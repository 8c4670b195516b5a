import BatteryEngine
import BMSCore
import ChargeLimits
import MQTT

/// Publishes CVL, CCL and DCL with their reasons: at each change, and at the heartbeat.
struct LimitsOutput: Output {
    /// Seconds that limits last until the line is known. They are renewed after five; on the way, behind everything that is sent at first,
    /// they may spend the rest of their 30.
    private static let firstExpiry = 9

    private let topic: String
    private let options: BridgeOptions
    private var schedule = SendSchedule()
    private var sent: Sent?

    /// The part of a document whose changes make another one go out at once.
    private struct Sent: Hashable {
        var levels: Limits.Levels
        var state: ChargeState
    }

    init(_ id: String, _ options: BridgeOptions) {
        topic = options.topics.limits(id)
        self.options = options
    }

    /// The limits that were sent last; `nil`: none were.
    var levels: Limits.Levels? { sent?.levels }

    mutating func update(_ report: BatteryReport, _ context: OutputContext) -> [MQTTMessage] {
        guard let limits = report.limits else { return [] }
        let new = Sent(levels: limits.levels, state: limits.state)
        guard schedule.isDue(every: options.limitsInterval, isUrgent: context.isUrgent || new != sent, context) else {
            return []
        }
        schedule.record(context.now)
        sent = new
        // A limit never outlives the expiry, whatever the heartbeat; neither does the data that it rests on.
        var message = MQTTMessage.expiring(
            topic, LimitsDocument().bytes(limits, time: Documents.time(context.now)), seconds: options.expiry,
            age: report.dataAge, precedence: .first, context)
        if context.takesLarge == nil { message.expiry = message.expiry.map { min($0, Self.firstExpiry) } }
        return [message]
    }

    /// Makes the next update publish the limits.
    mutating func reset() { schedule.reset() }
}
