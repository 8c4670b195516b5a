import MQTT
import BMSCore
import SmartBMS
import JSON
import TestSupport
import Testing

@testable import BatteryEngine
@testable import MQTTBridge

@Suite("Announcements over time")
struct AnnouncementTests {
    private static let topic = "homeassistant/device/bms_garage/config"

    private func announcements(_ harness: BridgeHarness) throws -> [[String: JSONValue]] {
        try harness.sent.filter { $0.topic == Self.topic && !$0.payload.isEmpty }.map {
            try Document($0.payload).object("components")
        }
    }

    private func isRemoval(_ component: JSONValue?) -> Bool {
        if case .object(let members)? = component { members.keys.sorted() == ["platform"] } else { false }
    }

    private func hear(_ harness: inout BridgeHarness, _ topic: String, _ payload: String) {
        _ = harness.bridge.receive(MQTTMessage(topic, Array(payload.utf8), retain: true), at: harness.now)
    }

    private static let old =
        #"{"device":{},"components":{"soc":{"platform":"sensor","unique_id":"x"},"old_name":{"platform":"sensor"},"cell_017_voltage":{"platform":"sensor"},"BAD KEY":{"platform":"sensor"},"odd":{"platform":7}}}"#

    @Test(
        "the largest announcement, which is read back, stays below half of the bridge's largest message",
        arguments: Language.allCases)
    func largest(language: Language) {
        func longest(_ letter: Character, _ count: Int) -> String { String(repeating: letter, count: count) }
        var harness = BridgeHarness { options, pack in
            options.language = language
            options.topics = Topics(base: longest("b", 64), discoveryPrefix: longest("h", 64))
            pack.id = longest("g", 32)
            pack.name = longest("é", 32)
        }
        harness.frames(40) {
            $0.cellCount = 255
            $0.packVoltage = Millivolts(255 * 3312)
        }
        let sizes = harness.sent.map { $0.topic.utf8.count + $0.payload.count }
        #expect(sizes.contains { $0 > 400_000 }, "the cells are announced")
        #expect(sizes.allSatisfy { $0 * 2 < Bridge.largestMessage }, "\(sizes.max() ?? 0)")
    }

    @Test(
        "a pack that is never heard is announced after half a minute, without cells and without entities that need bounds"
    )
    func silent() throws {
        var harness = BridgeHarness()
        harness.silence(29)
        #expect(try announcements(harness).isEmpty)
        harness.silence(3)
        let components = try #require(try announcements(harness).first)
        #expect(components["link"] != nil && components["soc"] != nil)
        #expect(components.keys.allSatisfy { !$0.hasPrefix("cell_0") })
        #expect(components["max_charge_voltage"] == nil, "Home Assistant refuses a number without a range")
        harness.frames(10)
        #expect(try announcements(harness).last?["cell_016_voltage"] != nil)
    }

    @Test("a line whose pace is unknown or narrow gets limits, and announcements only once the line is wide")
    func narrow() throws {
        var harness = BridgeHarness(isConnected: false)
        harness.connect(takesLarge: nil)
        harness.frames(10)
        #expect(try announcements(harness).isEmpty)
        #expect(harness.sent.contains { $0.topic == "bms/garage/limits" })
        harness.bridge.lineChanged(takesLarge: false)
        harness.frames(10)
        #expect(try announcements(harness).isEmpty)
        harness.sent = []
        harness.bridge.lineChanged(takesLarge: true)
        harness.frames(1)
        #expect(try announcements(harness).count == 1)
        // The values of the entities come after the announcement.
        #expect(harness.sent.last { $0.topic == "bms/garage/state" } != nil)
        let order = harness.sent.map(\.topic)
        let place = try #require(order.firstIndex(of: Self.topic))
        #expect(order[place...].contains("bms/garage/status") && order[place...].contains("bms/garage/state"))
        harness.connect()
        #expect(try announcements(harness).count == 2)
    }

    @Test(
        "on a line of unknown pace limits expire after nine seconds, until the pace is known"
    )
    func firstLimits() throws {
        var harness = BridgeHarness()
        harness.frames(10)
        harness.forget()
        harness.connect(takesLarge: nil)
        #expect(harness.on("limits").first?.expiry == 9)
        harness.bridge.lineChanged(takesLarge: false)
        harness.forget()
        harness.frames(6)
        #expect(try #require(harness.on("limits").last?.expiry) >= 27)
    }

    @Test("optional entities are announced together once they have had a value, and stay announced")
    func optional() throws {
        var harness = BridgeHarness()
        harness.frames(4)
        let first = try #require(try announcements(harness).first)
        #expect(first["current_in"] != nil && first["current_out"] == nil && first["soh"] == nil)
        #expect(first["time_to_go"] == nil)
        harness.frames(5) {
            $0.current1 = Milliamperes(-10_000)
            $0.current = Milliamperes(-10_000)
        }
        harness.frames(120)
        let last = try #require(try announcements(harness).last)
        #expect(last["time_to_go"] != nil)
        #expect(last["current_out"] == nil)
        // Announcements: the first one, the entities with early values, and the link quality; each at most twice.
        #expect((4...6).contains(try announcements(harness).count))
    }

    @Test("the entities of cells that no longer exist are removed by name")
    func fewerCells() throws {
        var harness = BridgeHarness()
        harness.frames(10)
        harness.frames(20) {
            $0.cellCount = 15
            $0.highestTemperatureCell = 15
            $0.packVoltage = Millivolts(15 * 3312)
        }
        let last = try #require(try announcements(harness).last)
        #expect(isRemoval(last["cell_016_voltage"]) && isRemoval(last["cell_016_temperature"]))
        #expect(!isRemoval(last["cell_015_voltage"]))
    }

    @Test("entities of an earlier run that no longer exist are removed; damaged entries are ignored")
    func ghosts() throws {
        var harness = BridgeHarness()
        hear(&harness, Self.topic, Self.old)
        harness.frames(10)
        let last = try #require(try announcements(harness).last)
        #expect(isRemoval(last["old_name"]) && isRemoval(last["cell_017_voltage"]))
        #expect(!isRemoval(last["soc"]))
        #expect(last["BAD KEY"] == nil && last["odd"] == nil)
    }

    @Test("after a start of Home Assistant a removed entity is announced in full, and removed three seconds later")
    func revival() throws {
        var harness = BridgeHarness()
        hear(&harness, Self.topic, Self.old)
        harness.frames(10)
        harness.forget()
        harness.birth()
        harness.frames(10)
        let sent = try announcements(harness)
        #expect(sent.map { isRemoval($0["old_name"]) } == [false, true])
        #expect(sent.first?["old_name"]?["unique_id"] == .text("bms_garage_old_name"))
    }

    @Test("an optional entity that has no value yet is not removed")
    func unknownIsNoGhost() throws {
        var harness = BridgeHarness()
        hear(&harness, Self.topic, #"{"components":{"soh":{"platform":"sensor","unique_id":"x"}}}"#)
        harness.frames(10)
        #expect(try announcements(harness).last?["soh"] == nil)
    }

    @Test("controls are removed when commands are switched off")
    func commandsOff() throws {
        var harness = BridgeHarness { options, _ in options.takesCommands = false }
        hear(&harness, Self.topic, #"{"components":{"reserve_soc":{"platform":"number","unique_id":"x"}}}"#)
        harness.frames(10)
        let last = try #require(try announcements(harness).last)
        #expect(isRemoval(last["reserve_soc"]))
        #expect(last["charge_enabled"] == nil)
    }

    @Test("from entities to device: the old topic is migrated and emptied before the device is announced")
    func migration() {
        var harness = BridgeHarness()
        let old = "homeassistant/sensor/bms_garage/soc/config"
        hear(&harness, old, #"{"unique_id":"bms_garage_soc"}"#)
        harness.frames(12)
        let sent = harness.sent.filter { $0.topic.hasPrefix("homeassistant/") }
        #expect(sent.map(\.topic) == [old, old, Self.topic, Self.topic])
        #expect(sent.map(\.retain) == [false, true, true, true])
        #expect(String(decoding: sent[0].payload, as: UTF8.self) == #"{"migrate_discovery":true}"#)
        #expect(sent[1].payload.isEmpty)
    }

    @Test("from device to entities: the old topic is migrated and emptied before the entities are announced")
    func migrationBack() {
        var harness = BridgeHarness { options, _ in options.discovery = .entities }
        hear(&harness, Self.topic, #"{"components":{"soc":{"platform":"sensor","unique_id":"x"}}}"#)
        harness.frames(12)
        let sent = harness.sent.filter { $0.topic.hasPrefix("homeassistant/") }
        #expect(sent.prefix(2).map(\.topic) == [Self.topic, Self.topic])
        #expect(sent[1].payload.isEmpty && sent[1].retain)
        #expect(sent.dropFirst(2).contains { $0.topic == "homeassistant/sensor/bms_garage/soc/config" })
        #expect(!sent.dropFirst(2).contains { $0.topic == Self.topic })
    }

    @Test("in entities mode the topic of an entity that no longer exists is emptied")
    func entityGone() {
        var harness = BridgeHarness { options, _ in options.discovery = .entities }
        let old = "homeassistant/sensor/bms_garage/old_name/config"
        hear(&harness, old, "{}")
        harness.frames(12)
        #expect(harness.sent.last { $0.topic == old }?.payload.isEmpty == true)
    }

    @Test("the purge announces entities of an earlier run, too, before it removes everything")
    func purge() throws {
        var harness = BridgeHarness()
        hear(&harness, Self.topic, Self.old)
        harness.frames(10)
        harness.forget()
        harness.command("purgeDiscovery", "PRESS")
        let sent = harness.sent.filter { $0.topic == Self.topic }
        #expect(sent.map(\.payload.isEmpty) == [false, true])
        #expect(try announcements(harness).first?["old_name"]?["unique_id"] != nil)
    }

    @Test("hostile announcements of others do no harm")
    func hostile() throws {
        var random = SeededRandom(9)
        var harness = BridgeHarness()
        let topics = [
            Self.topic, "homeassistant/sensor/bms_garage/x/config", "homeassistant//bms_garage//config",
            "homeassistant/sensor/bms_garage/config", "homeassistant/config", "homeassistant/a/b/c/d/config",
        ]
        for _ in 0..<RandomCases.count(2_000) {
            let payload = random.oneIn(2) ? random.bytes(100) : Array(Self.old.utf8.dropLast(random.oneIn(2) ? 0 : 30))
            _ = harness.bridge.receive(
                MQTTMessage(topics.randomElement(using: &random) ?? "", payload, retain: true), at: harness.now)
        }
        harness.frames(20)
        #expect(try announcements(harness).last?["soc"] != nil)
    }

    @Test("every name is translated, and no two entities of a pack have the same", arguments: Language.allCases)
    func languages(language: Language) throws {
        var harness = BridgeHarness { options, pack in
            options.language = language
            pack.relays = [RelayOptions(name: "pump")]
        }
        harness.frames(4)
        let components = try #require(try announcements(harness).last)
        var names: [String: String] = [:]
        for (key, component) in components {
            let name = try #require(component["name"]?.text)
            #expect(!name.contains("{n}") && !name.isEmpty, "\(key)")
            #expect(names.updateValue(key, forKey: name) == nil, "\(name): \(key)")
        }
        #expect(components["cell_007_voltage"]?["name"]?.text?.contains("7") == true)
        #expect(components["relay_pump"]?["name"]?.text?.contains("pump") == true)
        #expect((components["soc"]?["name"] == .text("State of charge")) == (language == .en))
        #expect(components["soc"]?["default_entity_id"] == .text("sensor.garage_soc"))
    }

    @Test("each dictionary knows every name and word of the tables and of dashboards, and nothing else")
    func dictionaries() {
        let words =
            MetricCatalogue.state.flatMap { $0.entity?.options ?? [] }.map(\.word) + ["on", "off"]
            + SettingsTable.rows.flatMap { row -> [String] in
                if case .word(let words) = row.kind { words } else { [] }
            }
        let headings = DashboardViews.all.joined().split(separator: "[[").dropFirst().map { part in
            String(part[..<(part.firstRange(of: "]]")?.lowerBound ?? part.endIndex)])
        }
        let names =
            words + headings.filter { $0 != "{heading}" } + ["Sun", "Load"]
            + MetricCatalogue.state.compactMap(\.entity?.name) + SettingsTable.rows.map(\.title)
            + CellTable.rows.compactMap { $0.entity("001", true)?.name }
            + ["BMS link", "Relay {n}", "Relay {n} contact"]
        for dictionary in [Language.german, Language.dutch, Language.french] {
            #expect(Set(dictionary.keys).symmetricDifference(names) == [])
        }
    }
}
