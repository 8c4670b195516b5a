package import JSON

/// The list of all batteries as JSON, and what has changed in it.
package struct BatteryList: Sendable {
    /// The connection to the broker.
    package struct Broker: Hashable, Sendable {
        package var isConnected = false
        /// Wall time at which that began, milliseconds.
        package var since: Int64
        /// Why there is no connection; `nil`: there is one, or none was tried yet.
        package var text: String?

        package init(since: Int64) { self.since = since }
    }

    /// News for those who look at all batteries, and for those who look at one.
    package struct Changes: Sendable {
        package var all: [UInt8]
        package var each: [(battery: String, data: [UInt8])]
    }

    /// Rows as they were told last, by id.
    private var told: [String: BatteryRow] = [:]
    private var bridge: ReaderModel.Status?
    private var broker: Broker?

    /// A list of which nothing was told.
    package init() {}

    /// The whole list, or what the page of one battery needs of it.
    ///
    /// - Parameters:
    ///   - only: the battery; `nil`: all.
    ///   - more: writes further members of the object.
    package static func json(
        _ model: ReaderModel, _ broker: Broker, only: String? = nil, at now: ReaderModel.Instant,
        more: (inout JSONWriter) -> Void = { _ in }
    ) -> [UInt8] {
        let members = only.flatMap { model.packs[$0] }.map(model.members) ?? []
        let rows = model.sorted.filter { only == nil || $0.id == only || members.contains($0.id) }.map {
            BatteryRow($0.id, $0.pack, model, at: now)
        }
        return json(rows, [], model.bridge, broker, at: now, more: more)
    }

    /// What has changed since the last call; `nil`: nothing.
    package mutating func changes(_ model: ReaderModel, _ broker: Broker, at now: ReaderModel.Instant) -> Changes? {
        let rows = model.sorted.map { BatteryRow($0.id, $0.pack, model, at: now) }
        let new = rows.filter { told[$0.id] != $0 }
        let removed = told.keys.filter { id in model.packs[id] == nil }.sorted()
        let isForAll = model.bridge != bridge || broker != self.broker
        guard !new.isEmpty || !removed.isEmpty || isForAll else { return nil }
        told = Dictionary(rows.map { ($0.id, $0) }) { first, _ in first }
        (bridge, self.broker) = (model.bridge, broker)
        func json(_ rows: [BatteryRow], _ removed: [String]) -> [UInt8] {
            Self.json(rows, removed, model.bridge, broker, at: now) { _ in }
        }
        let each = (isForAll ? rows : new).map { ($0.id, json([$0], [])) } + removed.map { ($0, json([], [$0])) }
        // Who looks at a bank gets its packs, too.
        let banks = model.packs.filter(\.value.isBank).map { id, pack in
            (id, new.filter { [members = model.members(of: pack)] in members.contains($0.id) })
        }
        return Changes(
            all: json(new, removed), each: each + banks.filter { !$0.1.isEmpty }.map { ($0, json($1, [])) })
    }

    private static func json(
        _ rows: [BatteryRow], _ removed: [String], _ bridge: ReaderModel.Status?, _ broker: Broker,
        at now: ReaderModel.Instant, more: (inout JSONWriter) -> Void
    ) -> [UInt8] {
        var writer = JSONWriter(reserving: 512 + rows.count * 400)
        writer.beginObject()
        writer.member("time", seconds: now.wall)
        writer.key("bridge")
        writer.beginObject()
        writer.member("status", optional: bridge?.text)
        writer.member("since", seconds: bridge?.began)
        writer.endObject()
        writer.key("broker")
        writer.beginObject()
        writer.member("connected", broker.isConnected)
        writer.member("since", seconds: broker.since)
        writer.member("text", optional: broker.text)
        writer.endObject()
        more(&writer)
        writer.key("batteries")
        writer.beginArray()
        for row in rows { row.write(into: &writer) }
        writer.endArray()
        if !removed.isEmpty { writer.member("removed", removed) }
        writer.endObject()
        return writer.bytes
    }
}
