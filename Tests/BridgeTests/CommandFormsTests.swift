import BMSCore
import ChargeLimits
import MQTT
import TestSupport
import TestThreads
import Testing

@testable import BatteryEngine
@testable import MQTTBridge

/// Commands in all forms in which people and programs write them.
@Suite("Forms of commands", .calculates)
struct CommandFormsTests {
    private func harness() -> BridgeHarness {
        var relay = RelayOptions(name: "pump")
        relay.function = .manual
        relay.commandTopic = "cmnd/pump"
        var harness = BridgeHarness { _, pack in
            pack.limits.maximumChargeCurrent = Milliamperes(100_000)
            pack.relays = [relay]
        }
        harness.frames(10)
        harness.forget()
        return harness
    }

    /// The value in force after a command; `nil`: it was refused.
    private func effective(_ setting: String, _ payload: String) throws -> String? {
        var harness = harness()
        let answers = harness.command(setting, payload)
        let document = try Document(try #require(answers.first).payload)
        guard document.flag("accepted") == true else { return nil }
        return document.text("effective") ?? document.number("effective").map { "\($0)" }
    }

    /// Delivers an object of several settings.
    private func several(
        _ harness: inout BridgeHarness, _ payload: String, retained: Bool = false, pack: String = "garage"
    ) -> [MQTTMessage] {
        harness.answers(MQTTMessage("bms/\(pack)/set", Array(payload.utf8), retain: retained))
    }

    @Test(
        "A switch accepts every usual spelling, plain and as JSON",
        arguments: [
            ("off", "OFF"), ("OFF", "OFF"), ("Off", "OFF"), ("false", "OFF"), ("False", "OFF"), ("0", "OFF"),
            ("no", "OFF"),
            (#""off""#, "OFF"), (#"{"value":false}"#, "OFF"), (#"{"value":0}"#, "OFF"), (#"{"value":"False"}"#, "OFF"),
            ("ON", "ON"), ("true", "ON"), ("TRUE", "ON"), ("1", "ON"), (#"{"value":1}"#, "ON"), (" on ", "ON"),
            (#"{"value":true,"min":0,"max":1}"#, "ON"),
        ])
    func switches(_ payload: String, _ expected: String) throws {
        #expect(try effective("chargeEnabled", payload) == expected)
    }

    @Test(
        "What is no spelling of on or off is refused",
        arguments: ["2", "0.5", "-1", "onn", "[]", "null", #"{"value":null}"#])
    func noSwitches(_ payload: String) throws { #expect(try effective("chargeEnabled", payload) == nil) }

    @Test(
        "Words count in any case, and a relay is a switch, too",
        arguments: [
            ("chargeMode", "Float", "float"), ("chargeMode", #"{"value":"FULL"}"#, "full"),
            ("relay/pump", "ON", "on"), ("relay/pump", "true", "on"), ("relay/pump", #"{"value":0}"#, "off"),
            ("relay/pump", "Auto", "auto"),
        ])
    func words(_ setting: String, _ payload: String, _ expected: String) throws {
        #expect(try effective(setting, payload) == expected)
    }

    @Test(
        "A number may be plain, have an exponent, or be the text of JSON",
        arguments: [
            "40", "40.0", "4e1", "4.0E+1", #""40""#, #"{"value":40}"#, #"{"value":4e1}"#, #"{"value":"40"}"#,
            #"{ "max" : 100, "min": 0, "value": 40.000 }"#,
        ])
    func numbers(_ payload: String) throws { #expect(try effective("maxChargeCurrent", payload) == "40.0") }

    @Test(
        "A name may be plain text or JSON with escapes",
        arguments: [
            ("Gärage", "Gärage"), (#""G\u00e4rage""#, "Gärage"), (#"{"value":"G\u00e4rage"}"#, "Gärage"),
            ("true", "true"),
            ("20182018", "20182018"),
        ])
    func names(_ payload: String, _ expected: String) throws {
        #expect(try effective("customName", payload) == expected)
    }

    @Test("An object commands several settings, and each is answered by itself")
    func several() throws {
        var harness = harness()
        let answers = several(
            &harness, #"{"maxChargeCurrent":40,"chargeMode":"Float","reserveSoc":{"x":1},"nonsense":1}"#)
        let documents = try answers.filter { $0.topic == "bms/garage/result" }.map { try Document($0.payload) }
        #expect(documents.map { $0.text("setting") } == ["chargeMode", "maxChargeCurrent", "nonsense", "reserveSoc"])
        #expect(documents.map { $0.flag("accepted") } == [true, true, false, false])
        #expect(documents[1].text("value") == "40")
        #expect(try harness.document("settings").number("maxChargeCurrent.value") == 40)
        #expect(try harness.document("settings").text("chargeMode.value") == "float")
    }

    @Test(
        "What is no object of settings is refused once and changes nothing",
        arguments: ["40", "[]", "{}", #"{"maxChargeCurrent":40"#, #"{"reserveSoc":1,"reserveSoc":2}"#, "\u{0}"])
    func noObject(_ payload: String) throws {
        var harness = harness()
        let answers = several(&harness, payload)
        #expect(answers.count == 1)
        #expect(
            try Document(try #require(answers.first).payload).text("reason")?.contains(
                "JSON object of 1 to 20 settings")
                == true)
        #expect(harness.saves.isEmpty)
    }

    @Test("An object with more settings than are taken at once is refused as a whole")
    func flood() throws {
        var harness = harness()
        let members = (0..<21).map { #""s\#($0)":1"# }.joined(separator: ",")
        #expect(several(&harness, "{\(members)}").count == 1)
    }

    @Test("An empty object topic, retained or not, commands nothing", arguments: [true, false])
    func empty(_ isRetained: Bool) {
        var harness = harness()
        #expect(several(&harness, "", retained: isRetained).isEmpty)
    }

    @Test("A retained object is refused once, as a whole, and clearing it swallows no press of a button")
    func retainedObject() throws {
        var harness = harness()
        #expect(several(&harness, #"{"republish":1,"reserveSoc":5}"#, retained: true).count == 1)
        #expect(several(&harness, "", retained: true).isEmpty)
        let answer = try Document(try #require(harness.command("republish", []).first).payload)
        #expect(answer.flag("accepted") == true)
    }

    @Test("A bank refuses an object like every command, and an unknown pack is reported")
    func unknownPack() {
        var harness = harness()
        #expect(several(&harness, #"{"reserveSoc":1}"#, pack: "nobody").isEmpty)
        #expect(harness.notices.contains { $0.text.contains("unknown pack 'nobody'") })
    }

    @Test(
        "Who clears a retained command as the refusal asks gets no second refusal",
        arguments: [("maxChargeCurrent", true), ("maxChargeCurrent", false), ("republish", true), ("republish", false)])
    func cleared(_ setting: String, _ isMarked: Bool) throws {
        var harness = harness()
        #expect(
            try Document(try #require(harness.command(setting, Array("10".utf8), retained: true).first).payload)
                .flag("accepted") == false)
        // MQTT 5 marks the empty message as retained, MQTT 3.1.1 does not.
        #expect(harness.command(setting, [], retained: isMarked).isEmpty)
        let report = harness.bridge.engine.report(of: 0, at: harness.now.monotonic)
        #expect(report.pack?.counts.commandsRefused == 1)
        harness.forget()
        // From now on an empty message is what it was: a press of a button, or nothing that a setting could be.
        let answer = try Document(try #require(harness.command(setting, []).first).payload)
        #expect(answer.flag("accepted") == (setting == "republish"))
    }

    @Test("A name of a setting that is nearly right is answered with the right one")
    func nearly() throws {
        var harness = harness()
        let answer = try Document(try #require(harness.command("maxchargecurrent", "40").first).payload)
        #expect(answer.text("reason") == "no setting 'maxchargecurrent': did you mean 'maxChargeCurrent'?")
    }
}
