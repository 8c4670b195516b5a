import BatteryEngine
import JSON
import MQTT

/// Publishes the relays of a pack: at each change, and at the heartbeat. They stand open before the first frame, too.
struct RelaysOutput: Output {
    private let topic: String
    private let options: BridgeOptions
    private var schedule = SendSchedule()

    init(_ id: String, _ options: BridgeOptions) {
        topic = options.topics.relays(id)
        self.options = options
    }

    mutating func update(_ report: BatteryReport, _ context: OutputContext) -> [MQTTMessage] {
        guard !report.relays.isEmpty,
            schedule.isDue(every: options.limitsInterval, isUrgent: context.isUrgent, context)
        else { return [] }
        schedule.record(context.now)
        return [.expiring(topic, Documents.relays(report.relays), seconds: options.expiry, precedence: .early, context)]
    }

    /// Makes the next update publish the document.
    mutating func reset() { schedule.reset() }
}

extension Documents {
    /// Positions of the relays of a pack, with their reasons.
    static func relays(_ relays: [RelayState]) -> [UInt8] {
        func flag(_ value: Bool?, _ writer: inout JSONWriter, _ name: String) {
            if let value { writer.member(name, value) } else { writer.member(name, .null) }
        }
        var writer = JSONWriter(reserving: 64 + relays.count * 256)
        writer.beginObject()
        for relay in relays {
            writer.key(relay.options.name)
            writer.beginObject()
            writer.member("function", relay.options.function.rawValue)
            writer.member("command", relay.command)
            flag(relay.isClosed, &writer, "closed")
            flag(relay.readBack, &writer, "readBack")
            writer.member("alarm", relay.isAlarm)
            writer.member("reason", relay.reason)
            writer.member("since", relay.since.map { .decimal(thousandths: Int($0), decimals: 3) } ?? .null)
            writer.member("faults", .integer(relay.faults))
            writer.member("reopened", .integer(relay.reopened))
            writer.endObject()
        }
        writer.endObject()
        return writer.bytes
    }
}
