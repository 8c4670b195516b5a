import MQTT
import BMSCore
import SmartBMS
import ChargeLimits
import TestSupport
import TestThreads
import Testing

@testable import BatteryEngine
@testable import MQTTBridge

@Suite("Commands for settings", .calculates)
struct SettingsTests {
    private func harness(_ change: (inout BridgeOptions, inout PackOptions) -> Void = { _, _ in }) -> BridgeHarness {
        var harness = BridgeHarness { bridge, pack in
            pack.limits.maximumChargeCurrent = Milliamperes(100_000)
            change(&bridge, &pack)
        }
        harness.frames(10)
        harness.forget()
        return harness
    }

    private func result(_ messages: [MQTTMessage]) throws -> Document {
        try Document(messages.first?.payload ?? [])
    }

    @Test("a setting acts without a frame, is answered, shown, kept and reported")
    func accepted() throws {
        var harness = harness()
        let answer = harness.command("maxChargeCurrent", "30")
        #expect(answer.map(\.topic) == ["bms/garage/result"])
        #expect(
            String(decoding: answer[0].payload, as: UTF8.self)
                == #"{"setting":"maxChargeCurrent","value":"30","accepted":true,"reason":"set","effective":30,"time":1795000010.250}"#
        )
        #expect(try harness.document("limits").number("ccl") == 30)
        #expect(try harness.document("settings").number("maxChargeCurrent.value") == 30)
        #expect(try harness.document("settings").text("maxChargeCurrent.setBy") == "command")
        #expect(harness.on("settings").last?.retain == true)
        #expect(harness.on("settings").last?.expiry == nil)
        #expect(harness.saves == ["garage"])
        #expect(harness.on("event").contains { String(decoding: $0.payload, as: UTF8.self).contains("set to 30 by") })
    }

    @Test(
        "a value that is out of bounds, of the wrong kind or unknown is refused with a reason, and changes nothing",
        arguments: [
            ("maxChargeCurrent", "101", "maxChargeCurrent must be 0 to 100 A, asked for 101 A"),
            ("maxChargeCurrent", "-1", "maxChargeCurrent must be 0 to 100 A, asked for -1 A"),
            ("maxChargeCurrent", "nan", "maxChargeCurrent must be a number of amperes"),
            ("maxChargeCurrent", "inf", "maxChargeCurrent must be a number of amperes"),
            ("maxChargeCurrent", "1e3", "maxChargeCurrent must be 0 to 100 A, asked for 1000 A"),
            (
                "maxChargeCurrent", "40,5",
                "maxChargeCurrent must be a number of amperes, with a point before the decimals"
            ),
            ("maxChargeCurrent", "99999999999999999999", "maxChargeCurrent must be a number of amperes"),
            ("maxChargeCurrent", #"{"value":"ON"}"#, "maxChargeCurrent must be a number of amperes"),
            ("maxChargeCurrent", #"{"value":80,"value":90}"#, "expected a number with at most three decimals"),
            ("maxChargeCurrent", #"{"value":80}x"#, "expected a number with at most three decimals"),
            ("maxChargeCurrent", #"{"val":80}"#, "expected a number with at most three decimals"),
            ("maxChargeCurrent", "", "the payload is empty"), ("maxChargeCurrent", "  ", "the payload is empty"),
            ("maxChargeVoltage", "60", "maxChargeVoltage must be 52.8 to 54.88 V, asked for 60 V"),
            ("chargeEnabled", "maybe", "chargeEnabled must be ON or OFF"),
            ("chargeEnabled", "2", "chargeEnabled must be ON or OFF"),
            ("chargeMode", "boost", "chargeMode must be one of auto, float, full"),
            ("fullChargeInterval", "91", "fullChargeInterval must be 0 to 90 d, asked for 91 d"),
            ("reserveSoc", "81", "reserveSoc must be 0 to 80 %, asked for 81 %"),
            ("customName", String(repeating: "x", count: 33), "customName must be one line of at most 32 characters"),
            ("customName", "a\u{7}b", "customName must be one line of at most 32 characters"),
            (
                "customName", "a\u{85}b",
                "customName must be one line of at most 32 characters, without control characters and without"
            ),
            (
                "customName", "a\u{9B}31mb",
                "customName must be one line of at most 32 characters, without control characters and without"
            ),
            (
                "customName", "a\u{202E}b",
                "customName must be one line of at most 32 characters, without control characters and without"
            ),
            (
                "customName", "a\u{2066}b",
                "customName must be one line of at most 32 characters, without control characters and without"
            ),
            ("Vmax", "3.6", "Vmax is set in the BMS, with the vendor's app: the cable only transmits"),
            ("turbo", "1", "no setting 'turbo'; known here: "), ("a/b/#", "1", "no setting 'a/b/#'"),
            ("", "1", "no setting ''"),
        ])
    func refused(setting: String, payload: String, reason: String) throws {
        var harness = harness()
        let before = harness.bridge.limits(of: 0)?.levels
        let answer = try result(harness.command(setting, payload))
        #expect(answer.flag("accepted") == false)
        #expect(answer.text("reason")?.hasPrefix(reason) == true, "\(answer.text("reason") ?? "")")
        #expect(harness.bridge.limits(of: 0)?.levels == before)
        #expect(harness.saves.isEmpty)
        // An unchanged value makes a control of Home Assistant snap back.
        #expect(harness.on("settings").count == 1)
    }

    @Test("bytes that are not text, and too many of them, are refused unread")
    func bytes() throws {
        var harness = harness()
        #expect(
            try result(harness.command("maxChargeCurrent", [0xFF, 0xFE])).text("reason")?.contains("UTF-8") == true)
        let large = [UInt8](repeating: 0x31, count: 1_000_000)
        #expect(
            try result(harness.command("maxChargeCurrent", large)).text("reason")?.contains("longer than 256") == true)
    }

    @Test(
        "a plain value and a JSON value mean the same",
        arguments: ["80", " 80 ", "80.0", #"{"value":80}"#, #"{ "value" : 80.0 }"#])
    func forms(payload: String) throws {
        var harness = harness()
        harness.command("maxChargeCurrent", payload)
        #expect(harness.bridge.limits(of: 0)?.ccl == Milliamperes(80_000))
    }

    @Test("flags and words may be plain or JSON")
    func words() throws {
        var harness = harness()
        harness.command("dischargeEnabled", "off")
        #expect(harness.bridge.limits(of: 0)?.dcl == .zero)
        harness.command("dischargeEnabled", #"{"value":true}"#)
        harness.command("chargeMode", #"{"value":"float"}"#)
        #expect(try harness.document("settings").text("chargeMode.value") == "float")
        #expect(try harness.document("settings").text("dischargeEnabled.value") == "ON")
    }

    @Test("a retained command is ignored, answered, and reported once")
    func retained() throws {
        var harness = harness()
        for _ in 0..<3 {
            let answer = harness.command("maxChargeCurrent", Array("10".utf8), retained: true)
            #expect(try result(answer).flag("accepted") == false)
        }
        #expect(harness.notices.filter { $0.text.contains("retained commands are ignored") }.count == 1)
        #expect(harness.bridge.limits(of: 0)?.ccl != Milliamperes(10_000))
    }

    @Test("a flood is cut to twenty commands at once and five a second, and reported once")
    func flood() throws {
        var harness = harness()
        var answered = 0
        for value in 0..<1000 { answered += harness.command("reserveSoc", "\(value % 50)").count }
        #expect(answered == 21)
        #expect(harness.notices.filter { $0.text.contains("too many commands") }.count == 1)
        harness.pass(1)
        for value in 0..<100 { answered += harness.command("reserveSoc", "\(value % 50)").count }
        #expect(answered == 26)
    }

    @Test("several commands keep their order")
    func order() throws {
        var harness = harness()
        let answers = [50, 40, 60].flatMap { harness.command("maxChargeCurrent", "\($0)") }
        #expect(try answers.map { try Document($0.payload).number("effective") } == [50, 40, 60])
        #expect(try harness.document("settings").number("maxChargeCurrent.value") == 60)
    }

    @Test("an answer goes to the response topic, too, with its correlation data, but never to a topic of the bridge")
    func response() {
        var harness = harness()
        let answers = harness.command(
            "maxChargeCurrent", Array("20".utf8), response: "client/7/answers", correlation: [1, 2, 3])
        #expect(answers.map(\.topic) == ["bms/garage/result", "client/7/answers"])
        #expect(answers.map(\.correlationData) == [nil, [1, 2, 3]])
        for topic in ["bms/garage/set/maxChargeCurrent", "homeassistant/x", "a/#", "a/+/b", "", "$SYS/x"] {
            #expect(harness.command("maxChargeCurrent", Array("20".utf8), response: topic).count == 1, "\(topic)")
        }
    }

    @Test(
        "before the first frame a command that needs no thresholds is accepted, and another is refused with the reason")
    func beforeFirstFrame() throws {
        var harness = BridgeHarness()
        #expect(try result(harness.command("maxDischargeCurrent", "5")).flag("accepted") == true)
        let voltage = try result(harness.command("maxChargeVoltage", "54"))
        #expect(voltage.text("reason")?.contains("no frame came from it yet") == true)
        harness.frames(3)
        #expect(harness.bridge.limits(of: 0)?.dcl == Milliamperes(5_000))
    }

    @Test("while the link is stale a command is accepted, and limits stay safe")
    func stale() throws {
        var harness = harness()
        harness.silence(70)
        #expect(try result(harness.command("maxChargeCurrent", "50")).flag("accepted") == true)
        #expect(harness.bridge.limits(of: 0)?.ccl == .zero)
    }

    @Test("with commands: false every command is refused and no control is announced")
    func off() throws {
        var harness = harness { bridge, _ in bridge.takesCommands = false }
        #expect(
            try result(harness.command("maxChargeCurrent", "5")).text("reason")?.contains("commands: false") == true)
        harness.birth()
        harness.pass(3)
        harness.tick()
        let announced = harness.sent.filter { $0.topic.hasPrefix("homeassistant/") }
        #expect(!announced.isEmpty)
        #expect(announced.allSatisfy { !String(decoding: $0.payload, as: UTF8.self).contains("command_topic") })
    }

    @Test("with commands: false a relay that was switched on is opened, a full charge ends, and other settings stay")
    func offWithRelay() throws {
        var relay = RelayOptions(name: "pump")
        relay.function = .manual
        relay.commandTopic = "cmnd/pump/POWER"
        let stored = [
            relay.setting: StoredSetting(.word("on"), setAt: 0),
            "chargeEnabled": StoredSetting(.flag(false), setAt: 0),
            "chargeMode": StoredSetting(.word("full"), setAt: 0),
            "fullChargeInterval": StoredSetting(.number(1_000), setAt: 0),
        ]
        let kept = CommandedSettings(stored, PackOptions(id: "garage"))
        let start = Timestamp(milliseconds: 0)
        var handler = CommandHandler(kept, takesCommands: false, at: start)
        #expect(handler.endFullCharge(isRequested: false, at: start) == nil, "nothing was charged")
        for takesCommands in [true, false] {
            var harness = BridgeHarness(
                { bridge, pack in
                    bridge.takesCommands = takesCommands
                    pack.relays = [relay]
                }, state: PackState(settings: stored))
            harness.frames(60)
            let settings = try harness.document("settings")
            #expect(settings.text("relay/pump.value") == (takesCommands ? "on" : "auto"))
            #expect(settings.text("chargeMode.value") == (takesCommands ? "full" : "auto"))
            #expect(settings.text("chargeEnabled.value") == "OFF")
            #expect(settings.number("fullChargeInterval.value") == (takesCommands ? 1 : 7))
        }
    }

    @Test("a command for an unknown pack is reported and not answered")
    func unknownPack() {
        var harness = harness()
        #expect(harness.command("maxChargeCurrent", Array("1".utf8), pack: "cellar").isEmpty)
        #expect(harness.notices.contains { $0.text.contains("'cellar' was ignored: there is garage") })
    }

    @Test("a command with the file's value removes the setting")
    func backToFile() throws {
        var harness = harness()
        harness.command("maxChargeCurrent", "30")
        harness.command("maxChargeCurrent", "100")
        #expect(harness.bridge.states(at: harness.now.monotonic)["garage"]?.settings == [:])
        #expect(try harness.document("settings").text("maxChargeCurrent.setBy") == "file")
    }

    @Test("kept settings are in force from the first limits on, and unknown ones are dropped")
    func restored() throws {
        let state = PackState(settings: [
            "maxChargeCurrent": StoredSetting(.number(12_000), setAt: 0),
            "maxDischargeCurrent": StoredSetting(.text("x"), setAt: 0), "gone": StoredSetting(.flag(true), setAt: 0),
            "chargeMode": StoredSetting(.word("boost"), setAt: 0),
        ])
        var harness = BridgeHarness(state: state)
        harness.frames(3)
        let limits = try #require(harness.bridge.limits(of: 0))
        #expect(LimitKind.allCases.map(limits.value) == [54_880, 12_000, 280_000])
        #expect(
            harness.bridge.states(at: harness.now.monotonic)["garage"]?.settings.keys.sorted() == ["maxChargeCurrent"])
    }

    @Test(
        "a full charge by command ends as auto when the pack is full, or after 48 h of the monotonic clock"
    )
    func fullCharge() throws {
        var harness = harness()
        harness.command("chargeMode", "full")
        harness.frames(200) {
            $0.setCells(low: 3400, high: 3405)
            $0.current = Milliamperes(1_000)
            $0.soc = 100
        }
        #expect(try harness.document("settings").text("chargeMode.value") == "auto")
        #expect(harness.notices.contains { $0.text.hasSuffix("the full charge by command is done") })
        harness.frames(100) { $0.soc = 50 }
        harness.command("chargeMode", "full")
        for step in [49, -98] as [Int64] {
            harness.wall += step * 3_600_000
            harness.frames(2) { $0.soc = 50 }
            #expect(try harness.document("settings").text("chargeMode.value") == "full", "the wall's clock was set")
        }
        harness.milliseconds += 49 * 3_600_000
        harness.frames(2) { $0.soc = 50 }
        #expect(try harness.document("settings").text("chargeMode.value") == "auto")
        #expect(harness.notices.contains { $0.text.contains("given up after 48 h") })
    }

    @Test("the 48 h of a full charge go on over a restart")
    func fullChargeOverRestart() throws {
        var first = harness()
        first.command("chargeMode", "full")
        first.milliseconds += 47 * 3_600_000
        first.frames(2) { $0.soc = 50 }
        let kept = try #require(first.bridge.states(at: first.now.monotonic)["garage"])
        #expect(kept.settings["chargeMode"]?.age == Int64(47 * 3_600_000 + 2_000))
        var second = BridgeHarness(state: kept)
        second.frames(2) { $0.soc = 50 }
        #expect(try second.document("settings").text("chargeMode.value") == "full")
        second.milliseconds += 3_600_000
        second.frames(2) { $0.soc = 50 }
        #expect(try second.document("settings").text("chargeMode.value") == "auto")
    }

    @Test("buttons clear peaks, publish everything again, and remove the device from Home Assistant")
    func buttons() throws {
        var harness = harness()
        harness.command("republish", "PRESS")
        #expect(!harness.on("state").isEmpty && !harness.on("cells").isEmpty && !harness.on("limits").isEmpty)
        harness.frames(1) { $0.setCells(low: 3200, high: 3320) }
        harness.command("clearPeaks", "PRESS")
        harness.frames(10)
        #expect((try harness.document("state").number("History.MinimumCellVoltage") ?? 0) > 3.25)
        harness.forget()
        harness.command("purgeDiscovery", "")
        let config = harness.sent.filter { $0.topic == "homeassistant/device/bms_garage/config" }
        #expect(config.map(\.payload.isEmpty) == [false, true])
        harness.frames(30)
        #expect(harness.sent.filter { $0.topic.hasPrefix("homeassistant/") }.count == 2, "it stays away")
    }

    @Test("random and adversarial commands never lift a limit above the file's", arguments: [1, 2] as [UInt64])
    func fuzz(seed: UInt64) {
        var random = SeededRandom(seed)
        var harness = harness { _, pack in
            pack.limits.maximumDischargeCurrent = Milliamperes(80_000)
            pack.limits.maximumChargeVoltage = Millivolts(54_500)
        }
        let names = SettingsTable.rows.map(\.name) + ["", "#", "+", "../x", "Vmax", "maxChargeCurrent/x"]
        let words = [
            "0", "1", "-1", "100", "100.5", "1e9", "999999999", "nan", "ON", "OFF", "float", "full", "auto", "{}", "[",
            #"{"value":1e308}"#, #"{"value":100000}"#, #"{"value":null}"#, "\u{0}", "🔋",
        ]
        for round in 0..<RandomCases.count(4_000) {
            let payload =
                random.oneIn(3)
                ? random.bytes(Int.random(in: 0...300, using: &random))
                : Array((words.randomElement(using: &random) ?? "").utf8)
            harness.milliseconds += 250
            harness.command(
                names.randomElement(using: &random) ?? "", payload, retained: random.oneIn(20),
                response: random.oneIn(10) ? "x" : nil)
            if round.isMultiple(of: 4) { harness.frame() }
            guard let limits = harness.bridge.limits(of: 0) else { continue }
            let isInside =
                limits.cvl <= Millivolts(54_500) && limits.ccl <= Milliamperes(100_000)
                && limits.dcl <= Milliamperes(80_000) && limits.ccl >= .zero && limits.dcl >= .zero
            if !isInside { Issue.record("seed \(seed), round \(round): \(limits.levels)") }
            harness.forget()
            harness.notices = []
        }
    }

    @Test("extremes and the time since the last full charge continue after a restart")
    func kept() throws {
        let state = PackState(
            memory: LimitMemory(cellCount: 16, capacity: FrameFixture.frame().capacity, secondsSinceFull: 7200),
            peaks: CellVoltageExtremes(minimumCell: Millivolts(2700), maximumCell: Millivolts(3310)))
        var harness = BridgeHarness(state: state)
        harness.frames(3)
        let document = try harness.document("state")
        #expect(document.number("History.MinimumCellVoltage") == 2.7)
        #expect(document.number("History.MaximumCellVoltage") == 3.32)
        // The harness starts a thousand seconds after the moment of the memory.
        #expect((8200...8203).contains(document.number("History.TimeSinceLastFullCharge") ?? 0))
        #expect(harness.bridge.states(at: harness.now.monotonic)["garage"]?.peaks.minimumCell == Millivolts(2700))
    }
}
