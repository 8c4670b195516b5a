import BatteryEngine
import MQTT

/// Publishes every cell of a pack, at its interval. A bank has none.
struct CellsOutput: Output {
    private let topic: String
    private let options: BridgeOptions
    private var schedule = SendSchedule()

    init(_ id: String, _ options: BridgeOptions) {
        topic = options.topics.cells(id)
        self.options = options
    }

    mutating func update(_ report: BatteryReport, _ context: OutputContext) -> [MQTTMessage] {
        guard report.pack != nil, report.link.newestAt != nil,
            schedule.isDue(every: options.cellsInterval, isUrgent: context.isUrgent, context)
        else { return [] }
        schedule.record(context.now)
        return [
            .expiring(
                topic, Documents.cells(report, at: context.now), seconds: options.expiry,
                interval: options.cellsInterval,
                age: 0, context)
        ]
    }

    /// Makes the next update publish the document.
    mutating func reset() { schedule.reset() }
}
