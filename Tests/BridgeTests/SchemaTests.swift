import BMSCore
import ChargeLimits
import MQTT
import SmartBMS
import TestSupport
import TestThreads
import Testing

@testable import BatteryEngine
@testable import MQTTBridge

/// Debian's Python with its validator of JSON Schemas.
private let python: String? = {
    let program = "/usr/bin/python3"
    guard let probe = ChildProcess(program, ["-c", "import jsonschema; jsonschema.Draft202012Validator"]),
        probe.exitCode() == 0
    else { return nil }
    return program
}()

@Suite("docs/schemas", .enabled(if: python != nil, "needs python3-jsonschema"), .waits)
struct SchemaTests {
    /// Verdicts of the validator on documents, in their order.
    private func verdicts(_ documents: [(name: String, json: String)]) throws -> [String] {
        let folder = TemporaryFolder()
        let file = folder.write(documents.map { "\($0.name)\t\($0.json)\n" }.joined(), "documents")
        let program = try #require(python)
        let process = try #require(
            ChildProcess(
                program,
                ["-B", Repository.path("Tests/Fixtures/validate-schemas.py"), Repository.path("docs/schemas"), file]))
        return process.read().split(separator: "\n").map(String.init)
    }

    /// Documents of a pack with a relay, of its bank, live and silent, with answers and events.
    private func documents() -> [(name: String, json: String)] {
        var relay = RelayOptions(name: "charger")
        relay.commandTopic = "cmnd/charger"
        var harness = BridgeHarness { bridge, pack in
            pack.limits.maximumChargeCurrent = Milliamperes(100_000)
            pack.relays = [relay]
        }
        harness.tick()
        harness.frames(40)
        var answers = harness.command("maxChargeCurrent", "30") + harness.command("relay/charger", "off")
        answers += harness.command("nonsense", "1") + harness.command("customName", "Ä\"\\")
        harness.frames(3)
        harness.frames(3) { $0.status = [] }
        harness.silence(90)
        harness.frames(5)
        let prefix = "bms/garage/"
        return (harness.sent + answers).compactMap { message in
            guard message.topic.hasPrefix(prefix) else { return nil }
            let name = String(message.topic.dropFirst(prefix.count))
            guard DocumentSchema(rawValue: name) != nil else { return nil }
            return (name, String(decoding: message.payload, as: UTF8.self))
        }
    }

    @Test("Every document that the bridge publishes fits its schema")
    func fitting() throws {
        let documents = documents()
        #expect(Set(documents.map(\.name)) == Set(DocumentSchema.allCases.map(\.rawValue)).subtracting(["set"]))
        let verdicts = try verdicts(documents)
        #expect(verdicts.count == documents.count)
        #expect(Set(verdicts) == ["ok"], "\(Set(verdicts).sorted().prefix(10))")
    }

    @Test("A document with a wrong, missing or further member does not fit")
    func damaged() throws {
        let good = documents()
        func sample(_ name: String, _ part: String) throws -> String {
            try #require(good.first { $0.name == name && $0.json.contains(part) }).json
        }
        let wrong: [(name: String, json: String)] = [
            ("state", try sample("state", "\"Soc\":").replacing("\"Soc\":", with: "\"Sock\":")),
            (
                "state",
                try sample("state", "\"AllowToCharge\":1").replacing(
                    "\"AllowToCharge\":1", with: "\"AllowToCharge\":true")
            ),
            ("state", try sample("state", "\"time\":").replacing("\"time\":", with: "\"tame\":")),
            ("cells", try sample("cells", "\"Cell1\":").replacing("\"Cell1\":", with: "\"Cell1\":\"x\",\"Cell0\":")),
            (
                "limits",
                try sample("limits", "\"chargeRequest\":").replacing(
                    "\"chargeRequest\":", with: "\"chargeRequest\":0,\"x\":")
            ),
            ("limits", try sample("limits", "\"bulk\"").replacing("\"bulk\"", with: "\"sulk\"")),
            (
                "settings",
                try sample("settings", "\"setBy\":\"file\"").replacing("\"setBy\":\"file\"", with: "\"setBy\":\"me\"")
            ),
            ("result", #"{"setting":"x","value":null,"accepted":1,"reason":"","effective":null,"time":1}"#),
            ("event", #"{"event":"x","text":"y"}"#), ("set", #"{"maxChargeCurrent":null}"#), ("set", "[]"),
        ]
        let verdicts = try verdicts(wrong)
        #expect(verdicts.count == wrong.count)
        for (verdict, document) in zip(verdicts, wrong) where verdict == "ok" {
            Issue.record("\(document.name) fits: \(document.json.prefix(200))")
        }
    }

    @Test("An object of settings in the forms that the documents show fits the schema of commands")
    func commands() throws {
        let good = [
            #"{"maxChargeCurrent":40,"chargeMode":"float"}"#, #"{"chargeEnabled":true,"relay/pump":"on"}"#,
            #"{"chargeEnabled":1}"#,
        ]
        #expect(try Set(verdicts(good.map { ("set", $0) })) == ["ok"])
    }
}
