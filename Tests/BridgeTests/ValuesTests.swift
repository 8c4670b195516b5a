import BMSCore
import ChargeLimits
import MQTT
import SmartBMS
import TestSupport
import TestThreads
import Testing

@testable import BatteryEngine
@testable import MQTTBridge

@Suite("Single values (publish.values)", .calculates)
struct ValuesTests {
    private func harness(canExpire: Bool = true, _ change: (inout BridgeOptions) -> Void = { _ in }) -> BridgeHarness {
        var harness = BridgeHarness { bridge, _ in
            bridge.publishesValues = true
            change(&bridge)
        }
        if !canExpire { harness.connect(canExpire: false) }
        harness.frames(30)
        return harness
    }

    private func values(_ messages: [MQTTMessage]) -> [String: String] {
        let prefix = "bms/garage/value/"
        return Dictionary(
            messages.filter { $0.topic.hasPrefix(prefix) }.map {
                (String($0.topic.dropFirst(prefix.count)), String(decoding: $0.payload, as: UTF8.self))
            }, uniquingKeysWith: { $1 })
    }

    @Test("Nothing is published unless it is switched on")
    func off() {
        var harness = BridgeHarness()
        harness.frames(30)
        #expect(values(harness.sent).isEmpty)
    }

    @Test("Each entity of Home Assistant with a state has its value, and the values are those of the documents")
    func equalToDocuments() throws {
        let harness = harness()
        let values = values(harness.sent)
        let state = try harness.document("state")
        #expect(values["soc"] == "50" && state.number("Soc") == 50)
        #expect(values["ccl"].flatMap(Double.init) == (try harness.document("limits").number("ccl")))
        #expect(values["charge_allowed"] == "1" && values["link"] == "1" && values["alarm"] == "0")
        #expect(
            values["cell_001_voltage"].flatMap(Double.init) == (try harness.document("cells").number("Voltages.Cell1")))
        #expect(values["max_charge_current"].flatMap(Double.init) != nil && values["charge_enabled"] == "ON")
        // As Home Assistant has them, but for buttons.
        let announcement = try #require(harness.sent.last { $0.topic == "homeassistant/device/bms_garage/config" })
        let components = try Document(announcement.payload).object("components").keys
        let buttons = SettingsTable.rows.filter { if case .button = $0.kind { true } else { false } }.map(\.key)
        #expect(Set(components).subtracting(values.keys) == Set(buttons))
    }

    @Test(
        "Values are kept by the broker for 30 s where it can forget them, and else not at all",
        arguments: [true, false])
    func kept(canExpire: Bool) {
        let messages = harness(canExpire: canExpire).sent.filter { $0.topic.contains("/value/") }
        #expect(!messages.isEmpty)
        #expect(messages.suffix(50).allSatisfy { $0.retain == canExpire && ($0.expiry != nil) == canExpire })
        #expect(messages.allSatisfy { ($0.expiry ?? 0) <= 30 })
    }

    @Test("What becomes unknown is emptied with the limits that fall, and comes back")
    func unknown() {
        var harness = harness()
        harness.forget()
        harness.silence(12)
        let silent = values(harness.sent)
        #expect(silent["soc"]?.isEmpty == true && silent["voltage"]?.isEmpty == true)
        #expect(silent["link"] == "0" && silent["ccl"] == "0.0")
        harness.forget()
        harness.frames(12)
        #expect(values(harness.sent)["soc"] == "50")
    }

    @Test("No value is older than the heartbeat, so that none expires on a living bridge")
    func heartbeat() {
        var harness = harness()
        let keys = Set(values(harness.sent).keys)
        for _ in 0..<4 {
            harness.forget()
            harness.frames(11)
            #expect(Set(values(harness.sent).keys).isSuperset(of: keys))
        }
    }

    @Test("Values that move with each frame do not crowd out a fall of the limits")
    func crowd() {
        var harness = harness { $0.stateInterval = 1_000 }
        for number in 0..<40 { harness.frame { $0.current = Milliamperes(number % 2 == 0 ? 40_000 : -40_000) } }
        harness.forget()
        harness.frame { $0.status = [] }
        #expect(harness.on("limits").contains { String(decoding: $0.payload, as: UTF8.self).contains("\"ccl\":0.0") })
    }

    @Test("docs/values.md has the table as made from the code, with each key that is published")
    func document() {
        #expect(Repository.text("docs/values.md") == ValuesReference.markdown, "run scripts/generate-docs")
        let listed = ValuesReference.markdown.split(separator: "`").filter { $0.hasPrefix("value/") }.map {
            String($0.dropFirst(6))
        }
        let published = values(harness().sent).keys.map {
            $0.hasPrefix("cell_0") ? "cell_<cell>\($0.dropFirst(8))" : $0
        }
        #expect(Set(published).subtracting(listed).isEmpty)
        #expect(
            Set(listed).subtracting(published) == [
                "alarm_relay", "contact_<relay>", "relay_<relay>", "can_status", "can_faults", "can_inverter",
            ])
    }
}
