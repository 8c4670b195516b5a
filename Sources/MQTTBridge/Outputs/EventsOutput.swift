import BatteryEngine
import MQTT

/// Publishes the events of a battery, with a line of the log for most of them. In a flood of frames they wait until there is room.
struct EventsOutput: Sendable {
    /// Events that wait; of more the oldest fleeting ones are dropped first.
    private static let most = 16

    private struct Waiting: Sendable {
        var event: BatteryEvent
        var at: Moment
    }

    private let topic: String
    private let title: String
    private var waiting: [Waiting] = []

    init(_ battery: BatteryIdentity, _ options: BridgeOptions) {
        topic = options.topics.event(battery.id)
        title = battery.title
    }

    /// Number of events that wait.
    var count: Int { waiting.count }

    /// Lets events wait.
    mutating func add(_ events: [BatteryEvent], at now: Moment) {
        waiting += events.map { Waiting(event: $0, at: now) }
        while waiting.count > Self.most {
            waiting.remove(at: waiting.firstIndex { $0.event.isFleeting } ?? 0)
        }
    }

    /// Publishes events that wait, the oldest first.
    mutating func publish(_ room: Int, into outbox: inout Outbox) -> [MQTTMessage] {
        let due = waiting.prefix(room)
        waiting.removeFirst(due.count)
        return due.map { message($0.event, at: $0.at, into: &outbox) }
    }

    /// Publishes events at once.
    func publish(_ events: [BatteryEvent], at now: Moment, into outbox: inout Outbox) -> [MQTTMessage] {
        events.map { message($0, at: now, into: &outbox) }
    }

    /// Continues where the output of an earlier configuration stopped.
    mutating func resume(from before: EventsOutput) { waiting = before.waiting }

    private func message(_ event: BatteryEvent, at moment: Moment, into outbox: inout Outbox) -> MQTTMessage {
        if let level = event.level { outbox.log(level, "\(title): \(event.text)") }
        return MQTTMessage(topic, Documents.event(event.kind, event.text, at: moment), qos: 1)
    }
}
