import MQTT
import Testing

@testable import BatteryEngine
@testable import MQTTBridge

@Suite("A second bridge on the same topics")
struct SecondBridgeTests {
    private func live() -> BridgeHarness {
        var harness = BridgeHarness()
        harness.frames(5)
        harness.forget()
        return harness
    }

    private func statuses(_ harness: BridgeHarness) -> [String] {
        harness.sent.filter { $0.topic.hasSuffix("/status") }.map {
            "\($0.topic) \(String(decoding: $0.payload, as: UTF8.self))"
        }
    }

    @Test("The end of the second bridge leaves no offline behind: the statuses are published again within a tick")
    func farewell() {
        var harness = live()
        harness.message("bms/garage/status", "offline")
        harness.message("bms/bridge/status", "offline")
        harness.tick()
        #expect(statuses(harness) == ["bms/bridge/status online", "bms/garage/status online"])
        #expect(harness.notices.contains { $0.text.contains("second bridge") })
        harness.forget()
        harness.tick()
        #expect(statuses(harness).isEmpty)
    }

    @Test("A flood of offline statuses is answered once a tick")
    func flood() {
        var harness = live()
        for _ in 0..<100 { harness.message("bms/bridge/status", "offline") }
        harness.tick()
        #expect(statuses(harness).count == 2)
    }

    @Test("A bridge without data does not correct an offline of its pack, and ignores its own online")
    func noFight() {
        var harness = live()
        harness.silence(11)
        harness.forget()
        harness.message("bms/garage/status", "offline")
        harness.message("bms/bridge/status", "online")
        harness.tick()
        #expect(statuses(harness).isEmpty)
    }

    @Test("After the end of a bridge with data, a bridge without data calls the pack offline")
    func survivor() {
        var harness = live()
        harness.silence(11)
        harness.forget()
        harness.message("bms/bridge/status", "offline")
        harness.tick()
        #expect(statuses(harness) == ["bms/bridge/status online", "bms/garage/status offline"])
    }

    @Test("A status that the broker had retained before is ignored")
    func retained() {
        var harness = live()
        _ = harness.bridge.receive(
            MQTTMessage("bms/bridge/status", Array("offline".utf8), retain: true), at: harness.now)
        harness.tick()
        #expect(statuses(harness).isEmpty)
    }

    @Test(
        "The expiry of a live limit is shorter by the age of the data behind it",
        arguments: [(0.0, 28), (2, 26), (9, 19)])
    func expiry(age: Double, seconds: Int) {
        var harness = live()
        harness.pass(age)
        harness.command("republish", "")
        #expect(harness.on("limits").last?.expiry == seconds)
        #expect(harness.on("state").last?.expiry == seconds)
    }

    @Test("A stale pack's limits depend on no data, so they have the whole expiry")
    func staleExpiry() {
        var harness = live()
        harness.silence(40)
        #expect(harness.on("limits").last?.expiry == 28)
    }
}

@Suite("Several brokers in the life of a bridge")
struct SeveralBrokersTests {
    @Test(
        "A will that another broker of a cluster publishes late is answered within a tick, and is no second bridge",
        arguments: [true, false])
    func lateWill(isRestarted: Bool) {
        var harness = BridgeHarness()
        harness.frames(5)
        if !isRestarted {
            _ = harness.bridge.disconnected(at: harness.now)
            harness.connect()
        }
        harness.pass(10)
        harness.forget()
        harness.message("bms/bridge/status", "offline")
        harness.tick()
        #expect(harness.sent.contains { $0.topic == "bms/bridge/status" && $0.payload == Array("online".utf8) })
        let texts = harness.notices.map(\.text)
        #expect(texts.contains { $0.contains("probably for the connection before") }, "\(texts)")
        #expect(!texts.contains { $0.contains("second bridge") })
        // A minute later it is somebody else's word.
        harness.pass(60)
        harness.forget()
        harness.message("bms/bridge/status", "offline")
        #expect(harness.notices.contains { $0.text.contains("second bridge") })
    }

    @Test("The own status is heard although it comes from this client: a late will of a broker that was left does")
    func ownStatus() {
        let own = BridgeHarness().bridge.subscriptions.filter { $0.filter == "bms/bridge/status" }
        #expect(own.count == 1 && own.allSatisfy { !$0.noLocal })
    }

    private func announcements(_ harness: BridgeHarness) -> [String] {
        harness.sent.map(\.topic).filter { $0.hasPrefix("homeassistant/") }
    }

    @Test("An announcement that is too large goes in small pieces at this broker, and in one piece at another")
    func pieces() {
        let device = "homeassistant/device/bms_garage/config"
        var harness = BridgeHarness()
        harness.frames(20)
        #expect(Set(announcements(harness)) == [device])
        harness.forget()
        harness.bridge.refusalChanged(device, isOver: false, isOfSize: false)
        harness.frames(20)
        #expect(!announcements(harness).contains { $0.contains("/sensor/") }, "a refusal of another cause")
        harness.bridge.refusalChanged(device, isOver: false, isOfSize: true)
        harness.frames(5)
        #expect(announcements(harness).filter { $0.contains("/sensor/bms_garage/") }.count > 20)
        #expect(!announcements(harness).contains(device))
        // The other broker takes one piece.
        _ = harness.bridge.disconnected(at: harness.now)
        harness.forget()
        harness.take(harness.bridge.connected(canExpire: true, broker: 1, at: harness.now))
        harness.frames(5)
        #expect(Set(announcements(harness)) == [device])
        // The first one is remembered.
        _ = harness.bridge.disconnected(at: harness.now)
        harness.forget()
        harness.take(harness.bridge.connected(canExpire: true, broker: 0, at: harness.now))
        harness.frames(5)
        #expect(!announcements(harness).contains(device) && !announcements(harness).isEmpty)
    }

    @Test("One piece that the broker keeps from before is taken back before the pieces come")
    func replaced() {
        let device = "homeassistant/device/bms_garage/config"
        var harness = BridgeHarness()
        harness.frames(20)
        let kept = harness.sent.last { $0.topic == device }
        var heard = MQTTMessage(device, kept?.payload ?? [], retain: true)
        heard.retain = true
        harness.take(harness.bridge.receive(heard, at: harness.now))
        harness.forget()
        harness.bridge.packetTooLarge()
        harness.frames(15)
        let mine = harness.sent.filter { $0.topic.hasPrefix("homeassistant/") }
        let cleared = mine.firstIndex { $0.topic == device && $0.payload.isEmpty }
        let piece = mine.firstIndex { $0.topic.contains("/sensor/") }
        #expect(
            mine.first?.topic == device
                && String(decoding: mine.first?.payload ?? [], as: UTF8.self).contains("migrate"))
        #expect(cleared != nil && piece != nil && (cleared ?? 0) < (piece ?? 0))
    }
}
