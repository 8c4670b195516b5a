import BMSCore
import MQTT
import SmartBMS
import ChargeLimits
import JSON
import TestSupport
import TestThreads
import Testing

@testable import BatteryEngine
@testable import MQTTBridge

@Suite("Relays", .calculates)
struct RelayTests {
    private func harness(
        _ function: RelayOptions.Function = .chargeAllowed, state: PackState = PackState(), isGuarded: Bool = true,
        _ change: (inout RelayOptions) -> Void = { _ in }
    ) -> BridgeHarness {
        var relay = RelayOptions(name: "charger")
        relay.function = function
        relay.commandTopic = "cmnd/charger/POWER"
        relay.stateTopic = "stat/charger/POWER"
        relay.dwell = 0
        change(&relay)
        var harness = BridgeHarness({ _, pack in pack.relays = [relay] }, state: state)
        if isGuarded { harness.guards(isUp: true) }
        return harness
    }

    private func commands(_ harness: BridgeHarness) -> [String] {
        harness.sent.filter { $0.topic == "cmnd/charger/POWER" }.map { String(decoding: $0.payload, as: UTF8.self) }
    }

    private func relay(_ harness: BridgeHarness) throws -> [String: JSONValue] {
        try harness.document("relays").object("charger")
    }

    private func events(_ harness: BridgeHarness) -> [String] {
        harness.on("event").map { String(decoding: $0.payload, as: UTF8.self) }.filter { $0.contains("\"relay\"") }
    }

    @Test(
        "a relay is commanded open at once, and closed by the second good frame; each with cause, QoS 1 and not retained"
    )
    func closes() throws {
        var harness = harness()
        #expect(commands(harness) == ["OFF"])
        harness.frames(1)
        #expect(commands(harness) == ["OFF"])
        harness.frames(2)
        #expect(commands(harness) == ["OFF", "ON"])
        #expect(harness.sent.filter { $0.topic.hasPrefix("cmnd/") }.allSatisfy { $0.qos == 1 && !$0.retain })
        #expect(try relay(harness)["closed"] == .flag(true))
        #expect(try relay(harness)["reason"] == .text("charging is permitted"))
        #expect(events(harness).count == 1)
        #expect(events(harness).first?.contains("relay charger closes: charging is permitted") == true)
        #expect(harness.on("relays").last?.retain == true)
        #expect(harness.on("relays").last?.expiry == 28)
    }

    @Test(
        "a relay opens with the first frame that forbids it, and the event names the cause",
        arguments: [
            (RelayOptions.Function.chargeAllowed, [StatusFlags.dischargeAllowed] as StatusFlags, "charg"),
            (.dischargeAllowed, [.chargeAllowed], "discharg"),
            (.chargeAllowed, [.chargeAllowed, .dischargeAllowed, .cellTooHigh], "cell"),
            (.dischargeAllowed, [.chargeAllowed, .dischargeAllowed, .tooWarm], "above Tmax"),
        ] as [(RelayOptions.Function, StatusFlags, String)])
    func opens(function: RelayOptions.Function, status: StatusFlags, word: String) throws {
        var harness = harness(function)
        harness.frames(5)
        #expect(commands(harness).last == "ON")
        harness.forget()
        harness.frames(1) { $0.status = status }
        #expect(commands(harness) == ["OFF"])
        #expect(events(harness).first?.contains(word) == true, "\(events(harness))")
    }

    @Test("closing waits for the shortest time open, and opening never waits")
    func dwell() throws {
        var harness = harness { $0.dwell = 60_000 }
        harness.frames(58)
        #expect(commands(harness).contains("ON") == false)
        #expect(try relay(harness)["reason"] == .text("waits until it was open for 60 s: charging is permitted"))
        harness.frames(3)
        #expect(commands(harness).last == "ON")
        harness.frames(1) { $0.status = .dischargeAllowed }
        #expect(commands(harness).last == "OFF")
        harness.frames(57)
        #expect(commands(harness).last == "OFF")
        harness.frames(4)
        #expect(commands(harness).last == "ON")
    }

    @Test("a relay closes only when two of three frames permit it")
    func flicker() {
        var harness = harness()
        for index in 0..<30 { harness.frames(1) { if index % 3 != 0 { $0.status = .dischargeAllowed } } }
        #expect(commands(harness).contains("ON") == false)
    }

    @Test("stale data opens a relay, and never closes it")
    func stale() throws {
        var harness = harness()
        harness.frames(5)
        harness.silence(10)
        #expect(commands(harness).last == "ON")
        harness.silence(1)
        #expect(commands(harness).last == "OFF")
        #expect(events(harness).last?.contains("no good frame for 10 s") == true)
        harness.silence(120)
        #expect(commands(harness).last == "OFF")
    }

    @Test("a relay that the configuration holds while data is stale opens when the link is lost")
    func held() throws {
        var harness = harness { $0.whenStale = .hold }
        harness.frames(5)
        harness.silence(58)
        #expect(commands(harness).last == "ON")
        #expect(try relay(harness)["reason"] == .text("held, no good frame for 10 s"))
        harness.silence(4)
        #expect(commands(harness).last == "OFF")
    }

    @Test("a command switches a relay off, and back to its function; 'on' is refused unless the relay is manual")
    func override() throws {
        var harness = harness()
        harness.frames(5)
        #expect(try Document(harness.command("relay/charger", "off")[0].payload).flag("accepted") == true)
        #expect(commands(harness).last == "OFF")
        #expect(try relay(harness)["reason"]?.text?.hasPrefix("switched off by command") == true)
        #expect(try relay(harness)["command"] == .text("off"))
        let refusal = try Document(harness.command("relay/charger", "on")[0].payload)
        #expect(refusal.text("reason") == "relay/charger must be one of auto, off")
        harness.frames(5)
        #expect(commands(harness).last == "OFF")
        harness.command("relay/charger", "auto")
        harness.frames(2)
        #expect(commands(harness).last == "ON")
        #expect(try harness.document("settings").object("relay/charger")["value"] == .text("auto"))
    }

    @Test("a commanded state survives a restart")
    func keptOverride() {
        let state = PackState(settings: ["relay/charger": StoredSetting(.word("off"), setAt: 1)])
        var harness = harness(state: state)
        harness.frames(20)
        #expect(commands(harness).contains("ON") == false)
    }

    @Test("no command closes a relay that the BMS, a stale link or the file keeps open")
    func manual() {
        var harness = harness(.manual)
        harness.frames(5)
        #expect(commands(harness).last == "OFF")
        harness.command("relay/charger", "on")
        #expect(commands(harness).last == "OFF", "closing waits for frames")
        harness.frames(2)
        #expect(commands(harness).last == "ON")
        harness.frames(1) { $0.status = .chargeAllowed }
        #expect(commands(harness).last == "OFF", "it needs discharging by default")
        for _ in 0..<5 {
            harness.frames(1) { $0.status = .chargeAllowed }
            harness.command("relay/charger", "on")
        }
        #expect(commands(harness).last == "OFF")
        harness.frames(5)
        #expect(commands(harness).last == "ON")
        harness.silence(11)
        harness.command("relay/charger", "on")
        #expect(commands(harness).last == "OFF")
    }

    @Test("a manual relay without a needed permission depends on fresh data alone")
    func manualWithoutNeed() {
        var harness = harness(.manual) { $0.need = .nothing }
        harness.command("relay/charger", "on")
        harness.frames(3) { $0.status = [] }
        #expect(commands(harness).last == "ON")
    }

    @Test("a fault relay opens with an alarm, names it, and does not react to its own read-back")
    func fault() {
        var harness = harness(.fault)
        harness.frames(5)
        #expect(commands(harness).last == "ON")
        harness.frames(3) { $0.status = [.chargeAllowed, .dischargeAllowed, .cellTooHigh] }
        #expect(commands(harness).last == "OFF")
        #expect(events(harness).last?.contains("opens: High cell voltage") == true)
        harness.frames(5)
        #expect(commands(harness).last == "ON")
        harness.message("stat/charger/POWER", "OFF")
        harness.frames(60)
        #expect(commands(harness).last == "ON")
    }

    @Test("a full relay closes only with a full pack")
    func full() {
        var harness = harness(.full)
        harness.frames(5)
        #expect(commands(harness) == ["OFF"])
    }

    @Test("a relay closes only while the broker would open it if this program died")
    func guarded() throws {
        var harness = harness(isGuarded: false)
        harness.frames(10)
        #expect(commands(harness) == ["OFF"])
        #expect(try relay(harness)["reason"]?.text?.hasPrefix("the connection that would open it") == true)
        harness.guards(isUp: true)
        harness.frames(1)
        harness.frames(1)
        #expect(commands(harness).last == "ON")
        harness.guards(isUp: false)
        #expect(commands(harness).last == "OFF")
        #expect(harness.bridge.guards.map(\.will.payload) == [Array("OFF".utf8)])
        #expect(harness.bridge.farewell.first?.topic == "cmnd/charger/POWER")
    }

    @Test(
        "a relay held over the end of the bridge needs no guard, is not commanded at the start, and closes without a wait"
    )
    func heldOverExit() {
        var harness = harness(isGuarded: false) {
            $0.onExit = .hold
            $0.dwell = 60_000
        }
        #expect(harness.bridge.guards.isEmpty)
        #expect(commands(harness) == [])
        harness.frames(1)
        #expect(commands(harness) == [])
        harness.frames(2)
        #expect(commands(harness) == ["ON"])
        #expect(harness.bridge.farewell.allSatisfy { !$0.topic.hasPrefix("cmnd/") })
    }

    @Test("a relay held over the start still opens: by command at once, without frames after ten seconds")
    func heldOverStart() {
        var silent = harness { $0.onExit = .hold }
        silent.silence(9)
        #expect(commands(silent) == [])
        silent.silence(2)
        #expect(commands(silent) == ["OFF"])
        var forbidden = harness { $0.onExit = .hold }
        forbidden.frames(2) { $0.status = [] }
        #expect(commands(forbidden) == ["OFF"])
        let state = PackState(settings: ["relay/charger": StoredSetting(.word("off"), setAt: 1)])
        var off = harness(state: state) { $0.onExit = .hold }
        off.tick()
        #expect(commands(off) == ["OFF"])
    }

    @Test("the command is repeated at its interval and after a reconnect")
    func repetition() {
        var harness = harness { $0.repetition = 20_000 }
        harness.frames(3)
        harness.forget()
        harness.frames(60)
        #expect(commands(harness) == ["ON", "ON", "ON"])
        harness.forget()
        harness.connect()
        #expect(commands(harness) == ["ON"])
        var quiet = self.harness { $0.repetition = 0 }
        quiet.frames(3)
        quiet.forget()
        quiet.frames(200)
        #expect(commands(quiet) == [])
    }

    @Test(
        "a read-back is plain text or a JSON value by path",
        arguments: [
            (String?.none, "ON", "OFF", "ON", true), (nil, "ON", "OFF", "OFF", false),
            ("POWER", "ON", "OFF", #"{"POWER":"ON","x":1}"#, true),
            ("StatusSTS.POWER", "ON", "OFF", #"{"StatusSTS":{"POWER":"OFF"}}"#, false),
            ("output", "true", "false", #"{"id":0,"output":true}"#, true),
            ("value", "1", "0", #"{"value":1}"#, true), ("value", "1", "0", #"{"value":0.0}"#, false),
        ])
    func readBack(key: String?, closed: String, open: String, payload: String, expected: Bool) throws {
        var harness = harness {
            $0.stateKey = key
            ($0.stateClosed, $0.stateOpen) = (closed, open)
        }
        harness.frames(3)
        harness.message("stat/charger/POWER", payload)
        #expect(try relay(harness)["readBack"] == .flag(expected))
        #expect(try relay(harness)["faults"] == .number(0))
    }

    @Test(
        "a state that cannot be understood is unknown, counted, and reported once",
        arguments: [
            (String?.none, ["", "on", "\u{0}", String(repeating: "x", count: 100_000)]),
            ("POWER", ["", "ON", "{", #"{"POWER":null}"#, #"{"POWER":["ON"]}"#, #"{"power":"ON"}"#, "[1]"]),
        ])
    func badReadBack(key: String?, payloads: [String]) throws {
        var harness = harness { $0.stateKey = key }
        harness.frames(3)
        for payload in payloads { harness.message("stat/charger/POWER", payload) }
        harness.frames(6)
        #expect(try relay(harness)["readBack"] == .null)
        #expect(try relay(harness)["faults"] == .number(Double(payloads.count)))
        #expect(harness.notices.filter { $0.level == .warning && $0.text.contains("state") }.count == 1)
        #expect(commands(harness).last == "ON", "what it says decides nothing")
    }

    @Test("a read-back that disagrees for longer than its time-out is an alarm until it agrees")
    func disagreement() throws {
        var harness = harness()
        harness.frames(3)
        harness.message("stat/charger/POWER", "ON")
        harness.frames(20)
        #expect(try harness.document("state").number("Alarms.Relay") == 0)
        harness.message("stat/charger/POWER", "OFF")
        harness.frames(10)
        #expect(try relay(harness)["alarm"] == .flag(false))
        harness.frames(2)
        #expect(try relay(harness)["alarm"] == .flag(true))
        #expect(try harness.document("state").number("Alarms.Relay") == 2)
        #expect(try harness.document("state").number("Alarms.Alarm") == 2)
        #expect(events(harness).last?.contains("was told to close and reads back open after 10 s") == true)
        harness.message("stat/charger/POWER", "ON")
        #expect(try harness.document("state").number("Alarms.Relay") == 0)
    }

    @Test("a device that never answers a change is an alarm")
    func silence() throws {
        var harness = harness()
        harness.frames(2) { $0.status = [] }
        harness.frames(30) { $0.status = [] }
        #expect(try relay(harness)["alarm"] == .flag(false))
        harness.frames(20)
        #expect(try relay(harness)["alarm"] == .flag(true))
        #expect(events(harness).last?.contains("has not answered for 10 s") == true)
    }

    @Test("a read-back is unknown after a lost connection")
    func forgotten() throws {
        var harness = harness()
        harness.frames(3)
        harness.message("stat/charger/POWER", "ON")
        _ = harness.bridge.disconnected(at: harness.now)
        harness.connect()
        #expect(try relay(harness)["readBack"] == .null)
    }

    @Test(
        "random commands, states and frames never close a relay without permission, fresh data and a guard",
        arguments: [3, 4])
    func fuzz(seed: UInt64) {
        var random = SeededRandom(seed)
        var harness = harness(.manual)
        var isGuarded = true
        var status: StatusFlags = []
        var closings = 0
        for _ in 0..<RandomCases.count(8_000) {
            harness.forget()
            harness.notices = []
            switch Int.random(in: 0..<12, using: &random) {
            case 0:
                harness.command("relay/charger", ["on", "off", "auto", "ON", ""].randomElement(using: &random) ?? "")
            case 1: harness.message("stat/charger/POWER", ["ON", "OFF", "?"].randomElement(using: &random) ?? "")
            case 2:
                isGuarded = random.oneIn(3) ? false : true
                harness.guards(isUp: isGuarded)
            case 3:
                // A permission that changes more often is held back as one that flickers.
                if random.oneIn(6) { status = random.oneIn(3) ? [] : [.chargeAllowed, .dischargeAllowed] }
            case 4: if random.oneIn(5) { harness.silence(12) }
            case 5: harness.command("relay/charger", random.bytes(20))
            default: harness.frames(1) { $0.status = status }
            }
            guard commands(harness).last == "ON" else { continue }
            closings += 1
            let dcl = harness.bridge.limits(of: 0)?.dcl ?? .zero
            if !isGuarded || dcl == .zero || status.isEmpty { Issue.record("closed wrongly") }
        }
        #expect(closings > RandomCases.count(10))
    }

    @Test("Home Assistant gets a select and a contact, with names that a template cannot mistake")
    func discovery() throws {
        var harness = harness { $0.name = "items" }
        harness.frames(4)
        let config = harness.sent.last { $0.topic == "homeassistant/device/bms_garage/config" && !$0.payload.isEmpty }
        let components = try Document(config?.payload ?? []).object("components")
        #expect(components["relay_items"]?["command_topic"] == .text("bms/garage/set/relay/items"))
        #expect(
            components["relay_items"]?["value_template"]
                == .text("{{ (value_json['relay/items'] | default({})).value | default(none) }}"))
        #expect(components["relay_items"]?["options"] == .array([.text("auto"), .text("off")]))
        #expect(components["contact_items"]?["platform"] == .text("binary_sensor"))
        #expect(components["contact_items"]?["state_topic"] == .text("bms/garage/relays"))
        #expect(
            components["contact_items"]?["value_template"]?.text?.contains("value_json['items']['readBack']") == true)
        #expect(components["alarm_relay"] != nil)
        var plain = BridgeHarness()
        plain.frames(4)
        let other = plain.sent.last { $0.topic == "homeassistant/device/bms_garage/config" }
        #expect(try Document(other?.payload ?? []).object("components")["alarm_relay"] == nil)
    }
}
