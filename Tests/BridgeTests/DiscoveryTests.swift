import MQTT
import BMSCore
import SmartBMS
import JSON
import TestSupport
import TestThreads
import Testing

@testable import BatteryEngine
@testable import MQTTBridge

@Suite("Home Assistant discovery", .calculates)
struct DiscoveryTests {
    private func announcements(_ harness: BridgeHarness) -> [MQTTMessage] {
        harness.sent.filter { $0.topic.hasPrefix("homeassistant/") }
    }

    /// The setting context of a pack whose thresholds are known.
    private var context: SettingContext { context(named: nil) }

    private func context(named name: String?) -> SettingContext {
        var receiver = PackDecoder()
        for second in 0..<3 { _ = receiver.receive(FrameFixture.bytes(), at: .seconds(Double(second))) }
        return SettingContext(pack: Shared(PackOptions(id: "garage", name: name)), snapshot: receiver.snapshot)
    }

    private func components(cells: Int = 16) throws -> [String: JSONValue] {
        let discovery = Discovery(
            options: BridgeOptions(), battery: context.options.identity, context: context, cellCount: cells)
        return try Document(try #require(discovery.messages().first).payload).object("components")
    }

    private func member(_ component: JSONValue, _ name: String) -> JSONValue? {
        if case .object(let members) = component { members[name] } else { nil }
    }

    @Test("a pack is announced once its cells are counted, retained, and once more 3 s later")
    func schedule() {
        var harness = BridgeHarness()
        harness.silence(5)
        #expect(announcements(harness).isEmpty)
        harness.frames(20)
        let sent = announcements(harness)
        #expect(sent.map(\.topic) == Array(repeating: "homeassistant/device/bms_garage/config", count: 2))
        #expect(sent.allSatisfy { $0.retain && $0.qos == 1 })
    }

    @Test("a pack is announced again within 2 s of a start of Home Assistant, followed by status and state")
    func birth() throws {
        var harness = BridgeHarness()
        harness.frames(20)
        harness.forget()
        harness.birth()
        for _ in 0..<5 {
            harness.pass(0.5)
            harness.tick()
        }
        let topics = harness.sent.map(\.topic)
        let index = try #require(topics.firstIndex(of: "homeassistant/device/bms_garage/config"))
        #expect(topics[index...].contains("bms/garage/status"))
        #expect(topics[index...].contains("bms/garage/state"))
    }

    @Test("two different announcements are at least 3 s apart in any case")
    func spacing() {
        var random = SeededRandom(7)
        for _ in 0..<20 {
            var harness = BridgeHarness()
            var times: [(Int64, [UInt8])] = []
            for _ in 0..<200 {
                harness.forget()
                harness.pass(0.25)
                switch Int.random(in: 0..<6, using: &random) {
                case 0: harness.birth()
                case 1: harness.tick()
                default:
                    let cells = harness.milliseconds / 12_000 % 2 == 0 ? 16 : 15
                    harness.frame {
                        $0.cellCount = cells
                        $0.highestTemperatureCell = cells
                        $0.packVoltage = Millivolts(cells * 3312)
                    }
                }
                for message in announcements(harness) { times.append((harness.milliseconds, message.payload)) }
            }
            for (first, second) in zip(times, times.dropFirst()) where first.1 != second.1 {
                #expect(second.0 - first.0 >= 3000)
            }
        }
    }

    @Test("every component has the members that Home Assistant demands")
    func demands() throws {
        let all = try components()
        #expect(all.count > 80)
        var identifiers: Set<String> = []
        for (key, component) in all {
            #expect(key.allSatisfy { "abcdefghijklmnopqrstuvwxyz0123456789_".contains($0) })
            guard case .text(let identifier)? = member(component, "unique_id") else {
                Issue.record("\(key) has no unique_id: the whole device would be refused")
                continue
            }
            #expect(identifiers.insert(identifier).inserted)
            #expect(member(component, "~") == nil)
            #expect(member(component, "object_id") == nil)
            #expect(member(component, "qos") == .number(1))
            #expect(member(component, "availability_mode") == .text("all"))
            let isNumber = member(component, "state_class") != nil
            if isNumber { #expect(member(component, "suggested_display_precision") != nil, "\(key)") }
            let isControl = member(component, "command_topic") != nil
            if member(component, "unit_of_measurement") != nil { #expect(isNumber || isControl, "\(key)") }
            if isControl { checkControl(key, component) }
            switch member(component, "device_class") {
            case .text("energy"): #expect(member(component, "state_class") == .text("total_increasing"))
            case .text("energy_storage"): #expect(member(component, "state_class") == .text("measurement"))
            case .text("enum"):
                #expect(member(component, "options") != nil)
                #expect(!isNumber)
            default: break
            }
            if case .number(let seconds)? = member(component, "expire_after") { #expect(seconds >= 60) }
            if case .text("total_increasing")? = member(component, "state_class") {
                #expect(member(component, "expire_after") == nil, "a total that stays is no stale total")
            }
        }
    }

    private func checkControl(_ key: String, _ component: JSONValue) {
        #expect(member(component, "retain") == .flag(false), "\(key): a retained command would come back at each start")
        #expect(member(component, "entity_category") == .text("config"), "\(key)")
        #expect(member(component, "optimistic") == nil, "\(key)")
        if member(component, "platform") != .text("button") {
            #expect(member(component, "state_topic") == .text("bms/garage/settings"), "\(key)")
        }
        if case .number(let low)? = member(component, "min"), case .number(let high)? = member(component, "max") {
            #expect(low < high, "\(key)")
        }
    }

    @Test("every setting has a control of its kind, with the bounds of its row")
    func controls() throws {
        let all = try components()
        for row in SettingsTable.rows {
            let control = try #require(all[row.key])
            #expect(member(control, "platform") == .text(row.platform))
            #expect(member(control, "command_topic") == .text("bms/garage/set/\(row.name)"))
        }
        let voltage = try #require(all["max_charge_voltage"])
        #expect(member(voltage, "min") == .number(52.8))
        #expect(member(voltage, "max") == .number(54.88))
    }

    @Test("entities depend on bridge and pack; the link sensor depends on the bridge alone")
    func availability() throws {
        let all = try components()
        func topics(_ key: String) -> [JSONValue] {
            guard let component = all[key], case .array(let entries)? = member(component, "availability") else {
                return []
            }
            return entries.compactMap { member($0, "topic") }
        }
        #expect(topics("soc") == [.text("bms/bridge/status"), .text("bms/garage/status")])
        #expect(topics("link") == [.text("bms/bridge/status")])
    }

    @Test(
        "a pack's name may be any text: it is quoted, and is part of no template",
        arguments: ["Gärage \"8\" / #1", "{{ 1 / 0 }}{% x %}", "a\\b'c`", "🔋 池", String(repeating: "x", count: 200)])
    func names(name: String) throws {
        let context = context(named: name)
        let message = try #require(
            Discovery(
                options: BridgeOptions(), battery: context.options.identity, context: context, cellCount: 16
            ).messages().first)
        let document = try Document(message.payload)
        #expect(document.text("device.name") == name)
        for (key, component) in document.object("components") {
            #expect(member(component, "value_template")?.text?.contains("1 / 0") != true, "\(key)")
            #expect(member(component, "name")?.text?.contains(name) != true, "\(key)")
        }
    }

    @Test("cells above 24 are disabled at first, and the keys of cells are padded")
    func manyCells() throws {
        let all = try components(cells: 30)
        #expect(member(try #require(all["cell_024_voltage"]), "enabled_by_default") == nil)
        #expect(member(try #require(all["cell_025_voltage"]), "enabled_by_default") == .flag(false))
        #expect(all["cell_031_voltage"] == nil)
    }

    @Test("entities mode announces the same unique_ids one by one, and off announces nothing")
    func modes() throws {
        var options = BridgeOptions()
        options.discovery = .entities
        let single = Discovery(
            options: options, battery: context.options.identity, context: context, cellCount: 16
        ).messages()
        let identifiers = try Set(single.map { try Document($0.payload).text("unique_id") ?? "" })
        let device = Set(
            try components().values.map { component -> String in
                if case .text(let text)? = member(component, "unique_id") { text } else { "" }
            })
        #expect(identifiers == device)
        #expect(single.contains { $0.topic == "homeassistant/sensor/bms_garage/soc/config" })
        var harness = BridgeHarness { options, _ in options.discovery = .off }
        harness.frames(10)
        #expect(announcements(harness).isEmpty)
        let filters = harness.bridge.subscriptions.map(\.filter)
        #expect(filters.starts(with: ["bms/+/set/#", "bms/+/status", "bms/bridge/status"]))
        #expect(filters.dropFirst(3).allSatisfy { $0.hasPrefix("bms/garage/") })
    }
}
