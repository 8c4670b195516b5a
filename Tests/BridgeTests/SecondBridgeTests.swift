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
