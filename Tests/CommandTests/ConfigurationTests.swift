import BMSCore
import SmartBMS
import ChargeLimits
import FoundationEssentials
import BatteryEngine
import MQTTBridge
import Mosquitto
import TestSupport
import Testing

@testable import bms_mqtt

@Suite("Configuration")
struct ConfigurationTests: ConfigurationReading {
    @Test(
        "an impossible host is refused with its remedy",
        arguments: [
            ("''", "found nothing"), ("mqtt://192.0.2.7", "leave 'mqtt://' out"),
            ("mqtts://broker.lan:8883", "'tls: true'"),
            ("192.0.2.7:1883", "mqtt.port"), ("broker.lan:1883", "mqtt.port"), ("'[::1]:1883'", "mqtt.port"),
            ("a b", "broker.lan"), ("bms@broker", "broker.lan"), ("broker/x", "broker.lan"),
            ("'[broker]'", "broker.lan"),
            ("'::g'", "broker.lan"), ("'[::1'", "broker.lan"), ("\"a\\u202eb\"", "broker.lan"),
        ])
    func badHosts(_ host: String, _ remedy: String) {
        let lines = faults("mqtt: { host: \(host) }\n\(Self.pack)")
        #expect(lines.count == 1 && lines[0].contains("mqtt.host: expected") && lines[0].contains(remedy), "\(lines)")
    }

    @Test(
        "hosts of every kind are accepted, an address without its brackets",
        arguments: [
            ("broker", "broker"), ("192.0.2.7", "192.0.2.7"), ("'::1'", "::1"), ("'[::1]'", "::1"),
            ("'fe80::1%eth0'", "fe80::1%eth0"), ("'[2001:db8::7]'", "2001:db8::7"), ("höhle.local", "höhle.local"),
            ("my_broker-1.lan.", "my_broker-1.lan."),
        ])
    func goodHosts(_ host: String, _ expected: String) throws {
        #expect(try load("mqtt: { host: \(host) }\n\(Self.pack)").plan.link.host == expected)
    }

    @Test(
        "a source with an impossible host is refused",
        arguments: [
            "tcp:a b:1", "tcp://192.0.2.9:4001", "tcp:[host]:1", "tcp:a/b:1", "tcp:::1:2000", "tcp::1", "tcp:u@h:1",
        ])
    func badSources(_ source: String) {
        #expect(faults("packs: [{ id: garage, source: '\(source)' }]\n").joined().contains("is no source"))
    }

    @Test(
        "a fault of a number or a switch in quotes names the quotes",
        arguments: [
            ("mqtt: { port: '1883' }", "1883"), ("gx: { feed: 'true' }", "true"), ("commands: \"off\"", "off"),
            ("staleness: { hold: '3' }", "3"),
        ])
    func quoted(_ line: String, _ text: String) {
        #expect(faults("\(line)\n\(Self.pack)").joined().contains("found the text '\(text)': leave out the quotes"))
    }

    @Test(
        "the switch of TLS accepts the same words as other switches",
        arguments: ["true", "yes", "on", "True", "false", "no", "off"])
    func tlsSwitch(_ word: String) throws {
        let isOn = ["true", "yes", "on"].contains(word.lowercased())
        #expect(try (load("mqtt: { tls: \(word) }\n\(Self.pack)").plan.link.tls != nil) == isOn)
    }

    @Test(
        "empty text, and a folder that depends on the working directory, are refused",
        arguments: [
            "mqtt: { username: '' }", "mqtt: { tls: { caFile: '' } }", "stateDirectory: ''", "stateDirectory: state",
            "mqtt: { clientId: '' }",
        ])
    func emptyTexts(_ line: String) {
        #expect(faults("\(line)\n\(Self.pack)").count == 1)
    }

    @Test(
        "names and topics with controls or marks of text direction are refused",
        arguments: ["\\u009b", "\\u0085", "\\u202e", "\\u2066", "\\u200f", "\\u061c", "\\u2028", "\\e", "\\x7f"])
    func hostileNames(_ mark: String) {
        let relay = "relays: [{ name: r, commandTopic: \"a\(mark)b\" }]"
        for line in ["name: \"a\(mark)b\"", "serial: \"a\(mark)b\"", relay] {
            let lines = faults("packs: [{ id: garage, source: 'serial:auto', \(line) }]\n")
            #expect(lines.count == 1 && lines[0].isPlain, "\(line): \(lines)")
        }
    }

    @Test("three lines are enough")
    func minimal() throws {
        let configuration = try load(Self.pack)
        #expect(configuration.plan.packs.map(\.options.id) == ["garage"])
        #expect(configuration.plan.packs[0].options.name == "garage")
        #expect(configuration.plan.link.host == "localhost")
        #expect(configuration.plan.link.port == 1883)
        #expect(configuration.plan.bridge.birthTopic == "homeassistant/status")
    }

    @Test("a client's file needs no packs: the way to the broker is enough, and what it has must be right")
    func client() throws {
        func load(_ text: String) throws(ConfigurationFaults) -> Configuration {
            try ConfigurationFile.parse(Array(text.utf8), file: "c.yaml", isClient: true, environment: { _ in nil })
        }
        let link = try load("mqtt: { host: broker.lan, username: web, password: secret, base: house }\n")
        #expect(link.plan.link.host == "broker.lan" && link.plan.link.port == 1883 && link.baseTopic == "house")
        #expect(link.plan.link.username == "web" && link.plan.link.password == "secret")
        #expect(try load("mqtt: { tls: true }\n").plan.link.port == 8883)
        #expect(try load("# nothing yet\n").plan.link.host == "localhost")
        #expect(throws: ConfigurationFaults.self) { try load("mqtt: { hots: broker.lan }\n") }
        #expect(throws: ConfigurationFaults.self) { try load("packs: [{ id: garage }]\n") }
        #expect(throws: ConfigurationFaults.self) { try self.load("mqtt: { host: broker.lan }\n") }
    }

    @Test("values reach their options, exact in thousandths")
    func values() throws {
        let configuration = try load(
            """
            mqtt: { host: mqtt.lan, username: bms, password: "0123", tls: {}, base: my/bms }
            homeAssistant: { discovery: off, prefix: ha }
            staleness: { hold: 2, stale: 8, lost: 30 }
            packs:
              - id: garage
                name: Garage battery
                source: tcp:ser2net:2000
                generation: 2
                chemistry: lfp
                mode: critical
                limits: { maxChargeCurrent: 80.125, maxChargeVoltage: 55.2, fuse: 200, minChargeTemperature: -0.5 }
                checks: { packVoltageTolerance: 5, maximumCellJump: 0.25 }
            """)
        let plan = configuration.plan
        #expect(plan.link.port == 8883)
        #expect(plan.link.password == "0123")
        #expect(plan.link.tls != nil)
        #expect(plan.bridge.topics.state("garage") == "my/bms/garage/state")
        #expect(plan.bridge.discovery == .off)
        let pack = plan.packs[0].options
        #expect(pack.limits.maximumChargeCurrent == Milliamperes(80_125))
        #expect(pack.limits.maximumChargeVoltage == Millivolts(55_200))
        #expect(pack.limits.minimumChargeTemperature == Millidegrees(-500))
        #expect(pack.limits.relayMode == .critical)
        #expect(pack.limits.freshness == FreshnessTimes(hold: 2000, stale: 8000, lost: 30_000))
        #expect(pack.decoding.freshness == pack.limits.freshness)
        #expect(pack.decoding.generation == .two)
        #expect(pack.rules.plausibility?.packVoltagePermille == 50)
        #expect(pack.decoding.confirmation.highestCell == Millivolts(250))
    }

    @Test(
        "a fault is reported with place and remedy",
        arguments: [
            ("", "c.yaml:1:1: the file is empty"),
            ("packs: []", "c.yaml:1:8: packs: expected a list"),
            ("mqtt:\n  hots: x\n" + pack, "c.yaml:2:3: unknown key 'mqtt.hots': did you mean 'hosts'?"),
            (
                "mqtt.tls.caFile: x\n" + pack,
                "c.yaml:1:1: unknown key 'mqtt.tls.caFile': write a group without dots, with its keys on lines of their own below its name"
            ),
            ("pack:\n" + pack, "c.yaml:1:1: unknown key 'pack': did you mean 'packs'?"),
            (
                "mqtt:\n  port: 70000\n" + pack,
                "c.yaml:2:9: mqtt.port: expected a whole number, 1 to 65535, found '70000'"
            ),
            ("mqtt:\n  port: \"1883\"\n" + pack, "c.yaml:2:9: mqtt.port: expected a whole number"),
            ("mqtt:\n  port: 1e3\n" + pack, "c.yaml:2:9: mqtt.port"),
            ("mqtt:\n  port:\n" + pack, "found nothing"),
            ("mqtt: 5\n" + pack, "c.yaml:1:7: mqtt: expected a group of keys, found '5'"),
            ("mqtt: { base: a/#/b }\n" + pack, "expected topic levels"),
            ("gx: { feed: maybe }\n" + pack, "expected true or false, found 'maybe'"),
            ("packs:\n  - id: garage\n", "c.yaml:2:5: a pack without 'source'"),
            ("packs:\n  - id: Garage\n    source: serial:auto\n", "c.yaml:2:9: id: expected 1 to 32 of a-z"),
            ("packs:\n  - id: bridge\n    source: serial:auto\n", "choose another id"),
            ("packs:\n  - id: a\n    source: usb\n", "c.yaml:3:13: source: 'usb' is no source"),
            ("packs:\n  - id: a\n    source: simulator:nigth\n", "no scenario 'nigth'"),
            (pack + "  - id: garage\n    source: serial:/dev/ttyUSB1\n", "two packs with the id 'garage'"),
            (pack + "  - id: shed\n    source: serial:auto\n", "two packs on serial:auto"),
            (
                pack + "    limits: { fuse: lots }\n",
                "limits.fuse: expected a number of amperes, 1 to 2000, found 'lots'"
            ),
            (pack + "    limits: { fuse: 1.2345 }\n", "limits.fuse"),
            (
                pack + "    limits: { minChargeTemperature: 30, maxTemperature: 30 }\n",
                "must be below limits.maxTemperature"
            ),
            (pack + "    charging: { curve: [[0, 0], [10, 0.5]], rate: 9 }\n", "charging.rate: expected a number of C"),
            (
                pack + "    charging: { maxSoc: 49 }\n",
                "charging.maxSoc: expected a whole number of percent, 50 to 100, found '49'"
            ),
            (
                pack + "    charging: { maxSoc: 101 }\n",
                "charging.maxSoc: expected a whole number of percent, 50 to 100"
            ),
            (
                pack + "    charging: { maxSoc: 55 }\n    discharging: { reserveSoc: 46 }\n",
                "charging.maxSoc must be at least 10 % above discharging.reserveSoc"
            ),
            (pack + "    charging: { curve: 5 }\n", "charging.curve: expected a list of 2 to 50 pairs"),
            (pack + "    charging: { curve: [[0, 0]] }\n", "charging.curve: expected a list of 2 to 50 pairs"),
            (
                pack + "    charging:\n      curve:\n        - [0, 0]\n        - [10, x]\n",
                "c.yaml:7:11: charging.curve: expected a pair like [5, 0.1]"
            ),
            (pack + "    charging: { curve: [[10, 0], [5, 1]] }\n", "charging.curve: temperatures must rise"),
            (
                pack + "    discharging: { curve: [[0, 0.5], [10, 0], [20, 1]] }\n",
                "discharging.curve: the share of C may rise and then fall"
            ),
            (pack + "    charging: { balanceHours: 25-3 }\n", "charging.balanceHours: expected hours like 10-16"),
            (pack + "    charging: { floatBelow: 0.4 }\n", "charging.floatBelow: expected a number of volts, 0 to 0.3"),
            (pack + "    bank: house\n", "c.yaml:4:5: a pack has no key 'bank': name its bank under 'banks:'"),
            ("staleness: { hold: 10, stale: 10 }\n" + pack, "hold < stale < lost"),
            ("publish: { limits: 20 }\n" + pack, "at least twice"),
            ("mqtt: { tls: { certFile: a } }\n" + pack, "belong together"),
            (
                "mqtt: { passwordFile: /nonexistent }\n" + pack,
                "c.yaml:1:23: mqtt.passwordFile: cannot read /nonexistent"
            ),
            ("a: &x 1\n" + pack, "anchors, aliases and tags"), ("a: *x\n" + pack, "c.yaml:1:4"),
            (pack + "---\n" + pack, "second document"), ("mqtt: {}\nmqtt: {}\n" + pack, "is given twice"),
            ("mqtt: [\n", "not valid YAML"), ("\tmqtt: x\n", "c.yaml:1:1: this line is indented with a tab"),
            (String(repeating: "[", count: 40), "nested deeper"), ("x\u{0}y", "NUL"),
            ("just text", "expected keys like"),
        ])
    func fault(text: String, expected: String) {
        #expect(faults(text).contains { $0.contains(expected) }, "\(faults(text))")
    }

    @Test("the settings of a careful owner reach the calculator")
    func careful() throws {
        let text = """
            stateDirectory: /srv/state
            packs:
              - id: garage
                source: serial:auto
                charging:
                  rate: 0.3
                  headroom: 0.025
                  softCap: 0.04
                  float: false
                  floatBelow: 0.015
                  restartSoc: 80
                  fullChargeInterval: 1
                  balanceHours: 22-6
                  boardRise: 9.5
                  curve: [[2, 0], [10, 0.25], [40, 0.25], [50, 0]]
                discharging: { rate: 0.75, hold: 0.1, reserveSoc: 20, cellResistance: 0.9 }
            """
        let plan = try load(text).plan
        #expect(plan.stateDirectory == "/srv/state")
        var expected = LimitConfiguration()
        expected.chargeRate = 300
        expected.head = Millivolts(25)
        expected.softCap = Millivolts(40)
        expected.floats = false
        expected.floatBelow = Millivolts(15)
        expected.restartSoc = 80
        expected.fullChargeInterval = 1
        expected.balanceHours = 22..<30
        expected.boardRise = Millidegrees(9_500)
        let points = [(2, 0), (10, 250), (40, 250), (50, 0)]
        expected.chargeCurve = TemperatureCurve(
            points: points.map { TemperatureCurve.Point(Millidegrees($0.0 * 1000), rate: $0.1) })
        expected.dischargeRate = 750
        expected.hold = Millivolts(100)
        expected.reserveSoc = 20
        expected.cellResistance = 900
        #expect(plan.packs[0].options.limits == expected)
    }

    @Test("every fault is listed, in the order of the file, fifty at most")
    func all() {
        let lines = faults("mqtt:\n  port: x\n  hots: y\ngx: { feed: 7 }\npacks:\n  - id: A\n    source: z\n")
        #expect(lines.count == 5)
        #expect(lines.first?.hasPrefix("c.yaml:2:") == true)
        let many = faults((0..<200).map { "unknown\($0): 1\n" }.joined() + Self.pack)
        #expect(many.count == 51)
        #expect(many.last == "c.yaml: and 150 more")
    }

    @Test("invalid UTF-8 is refused")
    func encoding() {
        let bytes = Array("mqtt: ".utf8) + [0xFF, 0xFE] + Array("\n".utf8)
        #expect(throws: ConfigurationFaults.self) { try ConfigurationFile.parse(bytes, file: "c.yaml") }
    }

    private static func relays(_ relays: [String]) -> String {
        pack + "    relays:\n" + relays.map { "      - { \($0) }\n" }.joined()
    }

    @Test("a relay is read with all its keys")
    func relay() throws {
        let keys = """
            name: a-1, function: manual, needs: nothing, driver: mqtt, commandTopic: a/b, payloadClosed: '1', payloadOpen: '0',
            qos: 0, stateTopic: c/d, stateKey: e.f, stateClosed: x, stateOpen: y, readBackTimeout: 5, repeat: 0, dwell: 7,
            whenStale: hold, onExit: hold
            """.replacing("\n", with: " ")
        let relay = try #require(try load(Self.relays([keys])).plan.packs[0].options.relays.first)
        var expected = RelayOptions(name: "a-1")
        expected.function = .manual
        expected.need = .nothing
        expected.commandTopic = "a/b"
        (expected.payloadClosed, expected.payloadOpen, expected.qos) = ("1", "0", 0)
        (expected.stateTopic, expected.stateKey, expected.stateClosed, expected.stateOpen) = ("c/d", "e.f", "x", "y")
        (expected.readBackTimeout, expected.repetition, expected.dwell) = (5000, 0, 7000)
        (expected.whenStale, expected.onExit) = (.hold, .hold)
        #expect(relay == expected)
    }

    @Test(
        "a relay that cannot work, or that would do harm, is refused with place and remedy",
        arguments: [
            (["name: a"], "a relay without 'commandTopic': it is required"),
            (["commandTopic: x"], "a relay without 'name': it is required"),
            (["name: A, commandTopic: x"], "name: expected 1 to 32 of a-z, 0-9, _ and -, found 'A'"),
            (
                ["name: a, commandTopic: bms/garage/set/x"],
                "commandTopic 'bms/garage/set/x' is one of the bridge's own topics"
            ),
            (["name: a, commandTopic: homeassistant/status"], "is one of the bridge's own topics"),
            (["name: a, commandTopic: x, stateTopic: bms/garage/state"], "stateTopic 'bms/garage/state' is one of the"),
            (["name: a, commandTopic: x/+"], "commandTopic: expected a topic without wildcards (+ and #), found 'x/+'"),
            (["name: a, commandTopic: 'x/#'"], "expected a topic without wildcards"),
            (["name: a, commandTopic: $SYS/x"], "expected a topic that does not begin with $"),
            (["name: a, commandTopic: ''"], "commandTopic: expected a topic of 1 to 256 bytes"),
            (
                ["name: a, commandTopic: x", "name: b, commandTopic: x"],
                "have the commandTopic 'x': one device is one relay"
            ),
            (["name: a, commandTopic: x", "name: a, commandTopic: y"], "two relays with the name 'a'"),
            (["name: a, commandTopic: x, payloadOpen: 'ON'"], "payloadClosed and payloadOpen are both 'ON'"),
            (["name: a, commandTopic: x, stateTopic: y, stateOpen: 'ON'"], "stateClosed and stateOpen mean the same"),
            (["name: a, commandTopic: x, stateKey: y"], "stateKey, stateClosed and stateOpen need a stateTopic"),
            (
                ["name: a, commandTopic: x, stateTopic: x"],
                "stateTopic 'x' is a commandTopic: it would read its own commands"
            ),
            (
                ["name: a, commandTopic: x, function: maybe"],
                "function: expected chargeAllowed, dischargeAllowed, fault"
            ),
            (["name: a, commandTopic: x, qos: 2"], "qos: expected a whole number, 0 to 1, found '2'"),
            (["name: a, comandTopic: x"], "unknown key 'comandTopic': did you mean 'commandTopic'?"),
        ])
    func badRelay(relays: [String], fault: String) {
        let faults = faults(Self.relays(relays))
        #expect(faults.contains { $0.hasPrefix("c.yaml:") && $0.contains(fault) }, "\(faults)")
    }

    @Test("two packs' relays cannot share a device, and a topic below a renamed base belongs to the bridge")
    func relaysOfSeveralPacks() {
        let other = "  - id: shed\n    source: serial:/dev/ttyUSB7\n    relays: [{ name: a, commandTopic: x }]\n"
        #expect(faults(Self.relays(["name: a, commandTopic: x"]) + other).count == 1)
        #expect(faults("mqtt: { base: my/bms }\n" + Self.relays(["name: a, commandTopic: my/bms/x"])).count == 1)
        #expect(faults(Self.pack + "    relays: yes\n").first?.contains("expected a list of 1 to 16 relays") == true)
    }

    @Test("random bytes and damaged files do not end the program")
    func hostile() {
        var random = SeededRandom(3)
        let good = Array(ConfigurationText.defaultFile.utf8)
        for _ in 0..<500 {
            var bytes = good
            for _ in 0..<Int.random(in: 1..<8, using: &random) {
                bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            _ = try? ConfigurationFile.parse(bytes, file: "c.yaml")
            _ = try? ConfigurationFile.parse(random.bytes(200), file: "c.yaml")
        }
    }

    @Test(
        "numbers are exact", arguments: [("3.45", 3450), ("-0.5", -500), ("0", 0), ("100", 100_000), ("1.001", 1001)])
    func numbers(text: String, thousandths: Int) {
        #expect(FixedPoint.thousandths(text) == thousandths)
    }

    @Test(
        "text that is not a plain number is refused",
        arguments: [
            "", "-", ".5", "5.", "1e3", "1_000", "0x10", "1.2345", "--1", "+1", " 1", "1 ", "nan", "1234567890", "1-",
        ])
    func noNumbers(text: String) { #expect(FixedPoint.thousandths(text) == nil) }

    @Test(
        "a sender that repeats one frame is noticed after 20 s unless the file says otherwise",
        arguments: [("", 20_000), ("30", 30_000)])
    func stuck(seconds: String, expected: Int64) throws {
        let text = Self.pack + (seconds.isEmpty ? "" : "    checks: { stuck: \(seconds) }\n")
        #expect(try load(text).plan.packs[0].options.decoding.confirmation.stuck == expected)
    }

    @Test("the default file holds every key and reads as the defaults")
    func defaultFile() throws {
        let text = ConfigurationText.defaultFile
        for path in ConfigurationTable.keys.map(\.path) + PackTable.keys.map(\.path)
            + RelayTable.keys.map(\.path)
        {
            let name = path.split(separator: ".").last.map(String.init) ?? path
            #expect(text.contains("\(name): "), "\(path)")
        }
        let configuration = try load(text)
        let minimal = try load(Self.pack)
        #expect(configuration.plan.bridge == minimal.plan.bridge)
        #expect(configuration.plan.packs[0].options == minimal.plan.packs[0].options)
        #expect(configuration.plan.link.description == minimal.plan.link.description)
    }

    @Test("docs/configuration.md equals the key tables")
    func documentation() throws {
        let text = Repository.text("docs/configuration.md")
        #expect(text == ConfigurationText.documentation + "\n", "run scripts/generate-docs")
    }

    @Test(
        "the examples are valid configurations",
        arguments: ["config-minimal.yaml", "config-full.yaml", "config-bank.yaml", "victron/ess.yaml"])
    func examples(name: String) throws {
        let text = Repository.text("examples/\(name)")
        #expect(faults(text.replacing("  passwordFile: /etc/bms-mqtt/password\n", with: "")) == [])
    }
}
