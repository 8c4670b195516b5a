import BatteryEngine
import MQTT
import JSON
import BMSCore

/// Announcements for Home Assistant, made from the catalogue.
///
/// Facts that shape them (seen in real releases): one component without unique_id or a `~` at the root rejects the whole
/// device; two different device payloads back to back lose the second; `qos` is not inherited; a missing display
/// precision shows a cell as "3 V"; a null value is "unknown" without a line in the log.
struct Discovery {
    var options: BridgeOptions
    /// The battery by configuration.
    var battery: BatteryIdentity
    /// Basis of the bounds of a pack's controls; `nil` for a bank, which has none.
    var context: SettingContext?
    /// 0: not known yet, then without cells.
    var cellCount: Int
    /// Firmware of the BMS, once known.
    var firmware: String?
    /// Entities without a fixed place that have had a value; `nil`: as if all had.
    var known: Set<String>?
    /// Keys that were announced once, with their platforms.
    var announced: [String: String] = [:]

    /// Node id and device identifier: never a topic, a port or a name that may change.
    static func node(_ pack: String) -> String { "bms_\(pack)" }
    var node: String { Self.node(battery.id) }

    /// One entity: its key, its platform and how its members are written.
    private struct Entry {
        var key: String
        var platform: String
        var write: (inout JSONWriter, _ withPlatform: Bool) -> Void
    }

    /// Keys of the announcement with their platforms.
    var keys: [String: String] { Dictionary(entries.map { ($0.key, $0.platform) }) { first, _ in first } }

    /// Keys to be removed: announced once, and no part of this battery any more, known or not.
    var gone: [String: String] {
        var whole = self
        whole.known = nil
        let possible = whole.keys
        return announced.filter { possible[$0.key] == nil }
    }

    /// The announcement: one message, or one for each entity; with the removal of what is gone.
    func messages() -> [MQTTMessage] { messages(removing: true) }

    /// The announcement with what is gone still there: a Home Assistant that has not seen it cannot remove it.
    func revival() -> [MQTTMessage] { messages(removing: false) }

    private func messages(removing: Bool) -> [MQTTMessage] {
        let gone = gone.sorted { $0.key < $1.key }
        switch options.discovery {
        case .off: return []
        case .device:
            let topic = options.topics.deviceDiscovery(node)
            return [Self.announcement(topic, device(gone, removing: removing))]
        case .entities:
            return entries.map { entry in
                let topic = options.topics.entityDiscovery(entry.platform, node, entry.key)
                return Self.announcement(topic, single { entry.write(&$0, false) })
            }
                + gone.map { key, platform in
                    let payload = removing ? [] : single { remains(key, platform, &$0, withPlatform: false) }
                    let topic = options.topics.entityDiscovery(platform, node, key)
                    return Self.announcement(topic, payload)
                }
        }
    }

    /// Bytes.
    private static let largeFrom = 4096

    private static func announcement(_ topic: String, _ payload: [UInt8], retain: Bool = true) -> MQTTMessage {
        var message = MQTTMessage(topic, payload, qos: 1, retain: retain)
        // One for each entity holds nothing up.
        if payload.count >= largeFrom { message.precedence = .large }
        return message
    }

    /// Tells Home Assistant that the entities of these topics come in the other form.
    static func migration(_ topics: [String]) -> [MQTTMessage] {
        topics.map { announcement($0, Array(#"{"migrate_discovery":true}"#.utf8), retain: false) }
    }

    /// Empties retained announcements.
    static func clearing(_ topics: [String]) -> [MQTTMessage] {
        topics.map { announcement($0, []) }
    }

    private struct Component {
        var entity: EntityRow
        var topic: String
        /// Path of the value inside the document; `nil`: the payload itself.
        var keys: [String]?
        /// Longest time between two documents, ms.
        var interval: Int64
        /// The entity has a value only while frames come.
        var needsPack = true
        /// Number of the cell or name of the relay in the entity's name.
        var subject: String?
    }

    private var entries: [Entry] {
        components.filter { !$0.entity.isOptional || known?.contains($0.entity.key) ?? true }.map { component in
            Entry(key: component.entity.key, platform: component.entity.platform.rawValue) {
                members(component, &$0, withPlatform: $1)
            }
        }
            + controls.map { row in
                Entry(key: row.key, platform: row.platform) { control(row, &$0, withPlatform: $1) }
            }
    }

    private var components: [Component] {
        let topics = options.topics
        var result = [
            Component(
                entity: .binary("link", "BMS link", "connectivity", diagnostic: true), topic: topics.status(battery.id),
                keys: nil, interval: 0, needsPack: false)
        ]
        for metric in MetricCatalogue.state {
            guard let entity = metric.entity, metric.isFor(battery) else { continue }
            var component = Component(
                entity: entity, topic: topics.state(battery.id), keys: metric.keys,
                interval: max(options.stateInterval, options.stateHeartbeat), needsPack: entity.needsPack)
            if case .limits(let keys) = entity.source {
                (component.topic, component.keys) = (topics.limits(battery.id), keys)
                component.interval = options.limitsInterval
            }
            result.append(component)
        }
        result += relays
        for row in CellTable.rows {
            for number in 0..<cellCount {
                let cell = number + 1
                let padded = CellMetric.padded(cell, of: cellCount)
                guard let entity = row.entity(padded, cell <= options.enabledCells) else { continue }
                result.append(
                    Component(
                        entity: entity, topic: topics.cells(battery.id), keys: [row.group, "Cell\(cell)"],
                        interval: options.cellsInterval, subject: "\(cell)"))
            }
        }
        return result
    }

    /// Positions of the relays: as a device reports it, else as commanded.
    private var relays: [Component] {
        battery.relays.map { relay in
            Component(
                entity: .binary(
                    "contact_\(relay.name)", "Relay {n} contact", nil, icon: "mdi:electric-switch"),
                topic: options.topics.relays(battery.id),
                keys: [relay.name, relay.stateTopic == nil ? "closed" : "readBack"], interval: options.limitsInterval,
                needsPack: false, subject: relay.name)
        }
    }

    private func device(_ gone: [(key: String, value: String)], removing: Bool) -> [UInt8] {
        var writer = JSONWriter(reserving: 32_768)
        writer.beginObject()
        head(&writer)
        writer.key("components")
        writer.beginObject()
        for entry in entries {
            writer.key(entry.key)
            writer.beginObject()
            entry.write(&writer, true)
            writer.endObject()
        }
        for (key, platform) in gone {
            writer.key(key)
            writer.beginObject()
            if removing {
                writer.member("platform", platform)
            } else {
                remains(key, platform, &writer, withPlatform: true)
            }
            writer.endObject()
        }
        writer.endObject()
        writer.endObject()
        return writer.bytes
    }

    private func single(_ body: (inout JSONWriter) -> Void) -> [UInt8] {
        var writer = JSONWriter(reserving: 1024)
        writer.beginObject()
        head(&writer)
        body(&writer)
        writer.endObject()
        return writer.bytes
    }

    /// The members that each platform needs of an entity that is gone.
    private func remains(_ key: String, _ platform: String, _ writer: inout JSONWriter, withPlatform: Bool) {
        identify(platform, key, key, &writer, withPlatform: withPlatform)
        writer.member("state_topic", options.topics.set(battery.id, "none"))
        writer.member("command_topic", options.topics.set(battery.id, "none"))
        if platform == "select" { writer.member("options", [String]()) }
        availability(&writer, withPack: true)
    }

    private func head(_ writer: inout JSONWriter) {
        writer.key("device")
        writer.beginObject()
        writer.member("identifiers", [node])
        writer.member("name", battery.name)
        writer.member("manufacturer", MetricCatalogue.manufacturer)
        writer.member("model", MetricCatalogue.productName + (battery.isBank ? " bank" : ""))
        if let serial = battery.serial { writer.member("serial_number", serial) }
        if let firmware { writer.member("sw_version", firmware) }
        writer.endObject()
        writer.key("origin")
        writer.beginObject()
        writer.member("name", "bms-mqtt")
        writer.member("sw_version", options.version)
        writer.endObject()
    }

    private func members(_ component: Component, _ writer: inout JSONWriter, withPlatform: Bool) {
        let entity = component.entity
        identify(
            entity.platform.rawValue, entity.key, options.language.name(entity.name, component.subject), &writer,
            withPlatform: withPlatform)
        writer.member("state_topic", component.topic)
        writer.member("qos", .integer(1))
        if let keys = component.keys {
            writer.member("value_template", template(entity, keys))
        } else {
            writer.member("payload_on", "online")
            writer.member("payload_off", "offline")
        }
        // Releases that need the fall-back know no options of a sensor, and so no enum.
        let hasOptions = options.discovery == .device
        if let deviceClass = entity.deviceClass, hasOptions || entity.options == nil {
            writer.member("device_class", deviceClass)
        }
        if let stateClass = entity.stateClass { writer.member("state_class", stateClass) }
        if let unit = entity.unit { writer.member("unit_of_measurement", unit) }
        if let precision = entity.precision { writer.member("suggested_display_precision", .integer(precision)) }
        if let icon = entity.icon { writer.member("icon", icon) }
        if entity.isDiagnostic { writer.member("entity_category", "diagnostic") }
        if !entity.isEnabled { writer.member("enabled_by_default", false) }
        if let states = entity.options, hasOptions { writer.member("options", words(states)) }
        if !entity.attributes.isEmpty {
            writer.member("json_attributes_topic", component.topic)
            let members = entity.attributes.map { "'\($0.name)': \(place($0.keys))" }
            writer.member("json_attributes_template", "{{ {\(members.joined(separator: ", "))} | tojson }}")
        }
        if component.keys != nil, entity.expires {
            // A second line behind the availability topics: five heartbeats, a minute at least.
            writer.member("expire_after", .integer(max(60, Int(component.interval) * 5 / 1000)))
        }
        availability(&writer, withPack: component.needsPack)
    }

    func identify(_ platform: String, _ key: String, _ name: String, _ writer: inout JSONWriter, withPlatform: Bool) {
        if withPlatform { writer.member("platform", platform) }
        writer.member("unique_id", "\(node)_\(key)")
        writer.member("default_entity_id", "\(platform).\(Topics.entityID(battery.id))_\(Topics.entityID(key))")
        writer.member("name", name)
    }

    /// A member of a document in a template.
    private func place(_ keys: [String]) -> String {
        // Names of the `state` document begin with a capital. Other names may be such that a template takes them for something else, like
        // "items".
        "value_json" + keys.map { $0.first?.isUppercase == true ? ".\($0)" : "['\($0)']" }.joined()
    }

    /// The words for the states of an enum, each once.
    func words(_ states: [EntityRow.EnumState]) -> [String] {
        states.reduce(into: []) { words, state in
            let word = options.language.name(state.word, nil)
            if !words.contains(word) { words.append(word) }
        }
    }

    private func template(_ entity: EntityRow, _ keys: [String]) -> String {
        let value = place(keys)
        guard entity.platform == .sensor else {
            return "{{ None if \(value) is none else ('ON' if \(value) > 0 else 'OFF') }}"
        }
        if let states = entity.options { return "{{ \(options.language.lookup(states, value)) }}" }
        if entity.divisor > 1, let precision = entity.precision {
            return "{{ None if \(value) is none else (\(value) / \(entity.divisor)) | round(\(precision)) }}"
        }
        // No finer than it is shown: each change is a row in the recorder.
        guard entity.stateClass == "measurement", let precision = entity.precision else { return "{{ \(value) }}" }
        return "{{ \(value) | round(\(precision), default=none) }}"
    }

    /// The link sensor stays readable while the pack is offline: it hangs on the bridge alone.
    func availability(_ writer: inout JSONWriter, withPack: Bool) {
        writer.key("availability")
        writer.beginArray()
        for topic in [options.topics.bridgeStatus] + (withPack ? [options.topics.status(battery.id)] : []) {
            writer.beginObject()
            writer.member("topic", topic)
            writer.endObject()
        }
        writer.endArray()
        writer.member("availability_mode", "all")
    }

}
