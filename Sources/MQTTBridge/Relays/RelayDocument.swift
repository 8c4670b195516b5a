import JSON

extension Documents {
    /// How the relays of a pack stand, and why.
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
