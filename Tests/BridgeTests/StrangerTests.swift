import MQTT
import Testing

@testable import BatteryEngine
@testable import MQTTBridge

@Suite("Foreign messages on the bridge's topics")
struct StrangerTests {
    private static let limits = #"{"cvl":56.0,"ccl":500.0,"dcl":500.0,"reasons":{"ccl":"x"},"time":1}"#

    private func live() -> BridgeHarness {
        var harness = BridgeHarness()
        harness.frames(5)
        harness.silence(3)
        harness.frames(1)
        harness.forget()
        harness.notices = []
        return harness
    }

    private func text(_ message: MQTTMessage?) -> String { String(decoding: message?.payload ?? [], as: UTF8.self) }

    @Test(
        "a foreign retained document is corrected at once, and reported once with topic and remedy",
        arguments: ["limits", "state", "cells", "settings"])
    func corrected(name: String) {
        var harness = live()
        for _ in 0..<2 { harness.message("bms/garage/\(name)", #"{"value":"wrong"}"#) }
        harness.tick()
        #expect(text(harness.on(name).last).count > 100)
        let told = harness.notices.filter { $0.text.contains("bms/garage/\(name)") }
        #expect(told.count == 1 && told.first?.level == .warning)
        #expect(told.first?.text.contains("'bms-mqtt acl'") == true)
    }

    @Test("an emptied document is published again", arguments: ["limits", "state", "cells", "settings"])
    func emptied(name: String) {
        var harness = live()
        harness.message("bms/garage/\(name)", "")
        harness.tick()
        #expect(harness.on(name).contains { !$0.payload.isEmpty })
    }

    @Test(
        "a foreign document is emptied while the bridge has no values of its own",
        arguments: ["limits", "state", "cells", "relays"])
    func nothingKnown(name: String) {
        var harness = BridgeHarness()
        harness.forget()
        harness.message("bms/garage/\(name)", Self.limits, isRetained: true)
        #expect(harness.on(name).map(\.payload) == [[]])
        #expect(harness.on(name).allSatisfy { $0.retain })
    }

    @Test("a retained document with an expiry may be from an earlier run, and stays")
    func ownLegacy() {
        var harness = BridgeHarness()
        harness.forget()
        let outbox = harness.bridge.receive(
            MQTTMessage("bms/garage/limits", Array(Self.limits.utf8), retain: true, expiry: 60), at: harness.now)
        #expect(outbox.messages.isEmpty && outbox.notices.isEmpty)
    }

    @Test(
        "a retained message on a topic without retained messages is removed, and a live one is reported",
        arguments: ["gx", "result", "event"])
    func retained(name: String) {
        var harness = live()
        harness.message("bms/garage/\(name)", "x", isRetained: true)
        #expect(harness.on(name).map(\.payload) == [[]])
        #expect(harness.on(name).allSatisfy { $0.retain })
        harness.forget()
        harness.message("bms/garage/\(name)", "")
        #expect(harness.sent.isEmpty)
        #expect(harness.notices.filter { $0.text.contains("bms/garage/\(name)") }.count == 1)
    }

    @Test("a flood is corrected five times, then once in five seconds, and reported once")
    func flood() {
        var harness = live()
        for _ in 0..<100 {
            harness.message("bms/garage/limits", "x")
            harness.tick()
        }
        #expect(harness.on("limits").count == 5)
        harness.forget()
        harness.silence(4)
        #expect(harness.on("limits").allSatisfy { !$0.payload.isEmpty })
        harness.silence(2)
        #expect(!harness.on("limits").isEmpty, "nothing that is to be put right is forgotten")
        #expect(harness.notices.count == 1)
    }

    @Test("each of many foreign messages is corrected, though not at once", arguments: ["limits", "state", "cells"])
    func owed(name: String) {
        var harness = live()
        for _ in 0..<20 { harness.message("bms/garage/\(name)", "x") }
        harness.tick()
        harness.message("bms/garage/\(name)", "x")
        harness.forget()
        harness.tick()
        #expect(harness.on(name).isEmpty)
        for _ in 0..<6 {
            harness.frames(1)
            harness.tick()
        }
        #expect(!harness.on(name).isEmpty)
    }

    @Test("corrections of a status have their own bound, so a flood on another topic does not delay them")
    func statusApart() {
        var harness = live()
        for _ in 0..<50 {
            harness.message("bms/garage/limits", "x")
            harness.tick()
        }
        harness.message("bms/garage/status", "offline")
        harness.tick()
        #expect(harness.on("status").map(text) == ["online"])
    }

    @Test("equal settings of another bridge are ignored; different ones are corrected a bounded number of times")
    func settings() throws {
        var harness = live()
        harness.command("republish", "")
        let own = try #require(harness.on("settings").last?.payload)
        harness.forget()
        harness.notices = []
        for _ in 0..<10 { harness.message("bms/garage/settings", String(decoding: own, as: UTF8.self)) }
        harness.frames(3)
        #expect(harness.on("settings").isEmpty && harness.notices.isEmpty)
        for _ in 0..<100 {
            harness.message("bms/garage/settings", #"{"reserveSoc":{"value":80}}"#)
            harness.frames(1)
        }
        #expect((5...7).contains(harness.on("settings").count))
        harness.frames(65)
        #expect(harness.on("settings").last?.payload == own)
    }

    @Test("a foreign document with a long expiry is emptied if no limits of the bridge replace it")
    func expiring() {
        var harness = BridgeHarness()
        harness.forget()
        _ = harness.bridge.receive(
            MQTTMessage("bms/garage/limits", Array(Self.limits.utf8), retain: true, expiry: 60), at: harness.now)
        harness.silence(85)
        #expect(harness.on("limits").isEmpty, "they may be this bridge's own of before")
        harness.silence(10)
        #expect(harness.on("limits").map(text) == [""])
    }

    @Test("documents that another bridge left behind are corrected half a minute after its last message")
    func lapsed() {
        var harness = live()
        // The pack is announced, with its status again.
        harness.frames(160)
        harness.silence(61)
        harness.forget()
        harness.message("bms/garage/limits", Self.limits)
        harness.message("bms/garage/status", "online")
        harness.silence(29)
        #expect(harness.on("status").isEmpty)
        harness.silence(3)
        #expect(harness.on("status").map(text) == ["offline"])
        var other = BridgeHarness()
        other.forget()
        other.message("bms/garage/limits", Self.limits)
        other.silence(29)
        #expect(other.on("limits").isEmpty)
        other.silence(3)
        #expect(other.on("limits").map(text) == [""])
    }

    @Test("a thousand foreign topics change nothing, and log lines stay bounded")
    func bounded() {
        var harness = live()
        for number in 0..<1000 {
            harness.message("bms/other-\(number)/limits", "x")
            harness.message("homeassistant/device/bms_other-\(number)/config", "x")
        }
        harness.tick()
        #expect(harness.notices.isEmpty && harness.on("limits").isEmpty)
    }

    @Test(
        "online for a silent pack is corrected, unless another bridge has data, which is named",
        arguments: [false, true])
    func status(hasRival: Bool) {
        var harness = live()
        harness.silence(11)
        if hasRival { harness.message("bms/garage/limits", Self.limits) }
        harness.tick()
        harness.forget()
        harness.message("bms/garage/status", "online")
        harness.tick()
        #expect(harness.on("status").map(text) == (hasRival ? [] : ["offline"]))
        let isNamed = harness.notices.contains {
            $0.text.contains("somebody else publishes limits of 'garage'")
                && $0.text.contains("another id of the pack")
        }
        #expect(isNamed == hasRival)
    }

    @Test(
        "a bridge without data does not empty the documents of a bridge that has data",
        arguments: ["limits", "state", "cells"])
    func withoutData(word: String) {
        var harness = BridgeHarness()
        harness.forget()
        harness.message("bms/garage/\(word)", Self.limits)
        harness.tick()
        #expect(harness.on(word).isEmpty)
    }

    @Test("an empty status, and a word that is no status, are corrected", arguments: ["", "ready", "OFFLINE"])
    func nonsense(word: String) {
        var harness = live()
        harness.message("bms/garage/status", word)
        harness.message("bms/bridge/status", word)
        harness.tick()
        #expect(harness.on("status").map(text) == ["online"])
        #expect(harness.sent.contains { $0.topic == "bms/bridge/status" && text($0) == "online" })
    }

    @Test("a foreign or removed announcement is replaced by the own one, and the own one is ignored")
    func announcement() throws {
        var harness = live()
        harness.silence(10)
        harness.frames(2)
        let topic = "homeassistant/device/bms_garage/config"
        harness.command("republish", "")
        harness.birth()
        harness.frames(10)
        let own = try #require(harness.sent.last { $0.topic == topic })
        harness.forget()
        harness.notices = []
        harness.message(topic, own.payload)
        harness.frames(5)
        #expect(!harness.sent.contains { $0.topic == topic } && harness.notices.isEmpty)
        for word in ["", #"{"device":{}}"#] {
            harness.forget()
            harness.message(topic, word)
            harness.frames(1)
            #expect(harness.sent.first { $0.topic == topic }?.payload == own.payload)
            harness.frames(10)
        }
        #expect(harness.notices.filter { $0.text.contains(topic) }.count == 1)
        harness.forget()
        for _ in 0..<50 {
            harness.message(topic, "x")
            harness.frames(1)
        }
        #expect(harness.sent.filter { $0.topic == topic }.count <= 8, "not fought for")
    }

    @Test(
        "another bridge's pack with the same id and another base is reported and not corrected, because both would correct in turn"
    )
    func otherBase() {
        var harness = live()
        harness.frames(40)
        harness.forget()
        harness.notices = []
        let topic = "homeassistant/device/bms_garage/config"
        for _ in 0..<20 {
            harness.message(topic, #"{"components":{"soc":{"platform":"sensor","state_topic":"barn/garage/state"}}}"#)
            harness.frames(1)
        }
        #expect(!harness.sent.contains { $0.topic == topic })
        #expect(
            harness.notices.map(\.text).filter { $0.contains("another mqtt.base") && $0.contains("another id") }.count
                == 1)
    }

    @Test("a pack whose limits the broker refuses is called offline until the broker accepts them")
    func refusedLimits() {
        var harness = live()
        harness.bridge.refusalChanged("bms/garage/state", isOver: false)
        harness.tick()
        #expect(harness.on("status").isEmpty, "limits come, and they are what is relied on")
        harness.bridge.refusalChanged("bms/garage/limits", isOver: false)
        harness.tick()
        harness.frames(3)
        #expect(harness.on("status").map(text) == ["offline"])
        harness.bridge.refusalChanged("bms/garage/limits", isOver: true)
        harness.tick()
        #expect(harness.on("status").map(text) == ["offline", "online"])
        harness.bridge.refusalChanged("bms/garage/limits", isOver: false)
        harness.forget()
        harness.connect()
        #expect(harness.on("status").map(text) == ["online"], "another connection may be another broker")
    }

    @Test(
        "five seconds after a start of Home Assistant the bridge's status is published again, in case the broker retains none"
    )
    func greeting() {
        var harness = live()
        harness.birth()
        harness.frames(4)
        func greetings() -> Int { harness.sent.filter { $0.topic == "bms/bridge/status" }.count }
        #expect(greetings() == 0)
        harness.silence(2)
        #expect(greetings() == 1)
        harness.silence(20)
        #expect(greetings() == 1)
    }
}
