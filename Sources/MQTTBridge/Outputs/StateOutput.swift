import BatteryEngine
import BMSCore
import MQTT

/// Publishes the whole battery: where a value has left its deadband, and at the heartbeat.
struct StateOutput: Output {
    private let topic: String
    private let options: BridgeOptions
    private var schedule = SendSchedule()
    /// Values of the last document.
    private var sent: [MetricValue] = []

    init(_ id: String, _ options: BridgeOptions) {
        topic = options.topics.state(id)
        self.options = options
    }

    /// A document was sent once.
    var isKnown: Bool { !sent.isEmpty }

    mutating func update(_ report: BatteryReport, _ context: OutputContext) -> [MQTTMessage] {
        // Before the first frame there is nothing to say.
        guard report.link.newestAt != nil,
            schedule.isDue(every: options.stateInterval, isUrgent: context.isUrgent, context)
        else { return [] }
        let heartbeat =
            options.economy == .off ? options.stateInterval : max(options.stateInterval, options.stateHeartbeat)
        let values = MetricCatalogue.state.map { $0.value(report) }
        guard
            schedule.isDue(every: heartbeat, isUrgent: context.isUrgent, context) || options.stateInterval == 0
                || hasLeftDeadband(values)
        else { return [] }
        schedule.record(context.now)
        sent = values
        return [
            .expiring(
                topic, Documents.state(values, at: context.now), seconds: options.expiry, age: report.dataAge, context)
        ]
    }

    /// Makes the next update publish the document.
    mutating func reset() { schedule.reset() }

    private func hasLeftDeadband(_ values: [MetricValue]) -> Bool {
        guard sent.count == values.count else { return true }
        return zip(MetricCatalogue.state, zip(values, sent)).contains { row, pair in
            row.deadband.isNews(pair.0, after: pair.1, factor: options.economy.factor)
        }
    }
}
