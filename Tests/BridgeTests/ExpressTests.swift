import BMSCore
import LinuxIO
import TestSupport
import Testing

@testable import MQTTBridge

@Suite("Limits ahead of the rest")
struct ExpressTests {
    /// What went ahead.
    private final class Ahead: Sendable {
        private let messages = Lock([OutboundMessage]())

        func take(_ message: OutboundMessage) { messages.withLock { $0.append(message) } }
        var all: [OutboundMessage] { messages.withLock { $0 } }
        func forget() { messages.withLock { $0 = [] } }
    }

    /// A pack that was heard for a while, with everything told.
    private static func harness(
        _ ahead: Ahead?, _ change: (inout BridgeOptions, inout PackOptions) -> Void = { _, _ in }
    ) -> BridgeHarness {
        var harness = BridgeHarness { options, pack in
            options.gxTree = GXTreeOptions(portalID: "02a1b2c3d4e5", owner: "test")
            change(&options, &pack)
        }
        if let ahead { harness.bridge.express = { ahead.take($0) } }
        harness.frames(30)
        harness.message("R/02a1b2c3d4e5/keepalive", "")
        harness.tick()
        harness.pass(0.8)
        harness.forget()
        harness.notices = []
        ahead?.forget()
        return harness
    }

    private static let setCurrent = "bms/garage/set/maxDischargeCurrent"

    private func message(_ topic: String, _ text: String, _ harness: inout BridgeHarness) -> Outbox {
        harness.bridge.message(topic: topic, payload: Array(text.utf8), isRetained: false, at: harness.now)
    }

    @Test("A command's limits go out at once, and the step ends there")
    func limitsAlone() throws {
        let ahead = Ahead()
        var harness = Self.harness(ahead)
        let outbox = message(Self.setCurrent, "12", &harness)
        #expect(ahead.all.map(\.topic) == ["bms/garage/limits"])
        #expect(try Document(ahead.all[0].payload).number("dcl") == 12)
        #expect(outbox.messages.isEmpty && outbox.notices.isEmpty && outbox.saves.isEmpty && outbox.answers.isEmpty)
        #expect(outbox.awaitsTick)
    }

    @Test("The tick says the rest, and the limits no second time")
    func rest() throws {
        let ahead = Ahead()
        var harness = Self.harness(ahead)
        _ = message(Self.setCurrent, "12", &harness)
        ahead.forget()
        harness.tick()
        #expect(ahead.all.isEmpty && harness.on("limits").isEmpty)
        #expect(harness.saves == ["garage"])
        #expect(harness.answers.map(\.setting) == ["maxDischargeCurrent"])
        #expect(try harness.document("settings").number("maxDischargeCurrent.value") == 12)
        #expect(try harness.document("gx").number("Info.MaxDischargeCurrent") == 12)
        #expect(harness.notices.map(\.text) == ["pack garage: maxDischargeCurrent set to 12 by command"])
        let before = harness.sent.count
        harness.tick()
        #expect(harness.sent.count == before && harness.answers.count == 1)
    }

    @Test(
        "With the rest put off the same is sent and said as without",
        arguments: [
            ("maxDischargeCurrent", "12"), ("maxChargeCurrent", "0"), ("chargeEnabled", "off"), ("chargeMode", "float"),
            ("customName", "\"Shed\""), ("republish", ""), ("clearPeaks", ""), ("maxDischargeCurrent", "nonsense"),
            ("noSuchSetting", "1"),
        ])
    func sameAsAtOnce(setting: String, text: String) {
        let ahead = Ahead()
        var (split, whole) = (Self.harness(ahead), Self.harness(nil))
        split.command(setting, text)
        split.tick()
        whole.command(setting, text)
        func sorted(_ messages: [OutboundMessage]) -> [String] {
            messages.map { "\($0.topic) \(String(decoding: $0.payload, as: UTF8.self)) \($0.retain)" }.sorted()
        }
        #expect(!whole.sent.isEmpty)
        #expect(sorted(ahead.all + split.sent) == sorted(whole.sent))
        #expect(split.notices == whole.notices && split.saves == whole.saves && split.answers == whole.answers)
    }

    @Test("A tick is asked for once, however many commands come before it, and each is answered in its order")
    func several() {
        let ahead = Ahead()
        var harness = Self.harness(ahead)
        let asked = ["11", "10", "9"].map { message(Self.setCurrent, $0, &harness).awaitsTick }
        #expect(asked == [true, false, false])
        #expect(ahead.all.count == 3)
        harness.tick()
        #expect(harness.answers.map(\.asked) == ["11", "10", "9"])
        let again = message(Self.setCurrent, "8", &harness).awaitsTick
        #expect(again)
    }

    @Test("A frame before the tick says the rest, and nothing rests until the tick has come")
    func frameFirst() {
        var harness = Self.harness(Ahead())
        _ = message(Self.setCurrent, "12", &harness)
        harness.pass(0.7)
        let outbox = harness.bridge.receive(FrameFixture.bytes { $0.soc = 41 }, pack: 0, at: harness.now)
        #expect(outbox.answers.count == 1 && outbox.saves == ["garage"] && !outbox.mayRest)
        #expect(outbox.messages.contains { $0.topic == "bms/garage/settings" })
        harness.tick()
        harness.pass(1)
        let next = harness.bridge.receive(FrameFixture.bytes { $0.soc = 42 }, pack: 0, at: harness.now)
        #expect(next.mayRest)
    }

    @Test("A relay waits for nothing: each command moves it, not the last of several alone")
    func relay() {
        var harness = Self.harness(Ahead()) { _, pack in
            var relay = RelayOptions(name: "charger")
            relay.commandTopic = "cmnd/charger/POWER"
            pack.relays = [relay]
        }
        harness.guards(isUp: true)
        harness.frames(65)
        #expect(harness.sent.last { $0.topic == "cmnd/charger/POWER" }?.payload == Array("ON".utf8))
        let orders = ["off", "auto"].map { word in
            message("bms/garage/set/relay/charger", word, &harness).messages.filter {
                $0.topic == "cmnd/charger/POWER"
            }.map { String(decoding: $0.payload, as: UTF8.self) }
        }
        #expect(orders == [["OFF"], []])
    }

    @Test("After a command ticks do no more than before: documents of frames keep their time")
    func tickGuard() {
        let ahead = Ahead()
        var harness = Self.harness(ahead) { options, _ in options.limitsInterval = 1_000 }
        harness.pass(0.2)
        harness.frame()
        harness.pass(0.3)
        _ = message(Self.setCurrent, "12", &harness)
        harness.tick()
        ahead.forget()
        harness.pass(0.5)
        harness.tick()
        #expect(ahead.all.isEmpty)
        harness.pass(0.2)
        harness.frame { $0.soc = 42 }
        #expect(ahead.all.map(\.topic) == ["bms/garage/limits"])
    }

    @Test("A permission that goes between a command and its tick is told with the limits of its frame")
    func permissionBetween() throws {
        let ahead = Ahead()
        var harness = Self.harness(ahead)
        _ = message("bms/garage/set/chargeEnabled", "off", &harness)
        ahead.forget()
        harness.frame { $0.status.remove(.chargeAllowed) }
        let text = String(decoding: try #require(ahead.all.first).payload, as: UTF8.self)
        #expect(ahead.all.count == 1 && text.contains("chargePermission"))
    }

    @Test("What was put off for a connection is not sent on the next one; the change is kept")
    func connectionLost() {
        var harness = Self.harness(Ahead())
        _ = message(Self.setCurrent, "12", &harness)
        harness.bridge.disconnected()
        harness.connect()
        #expect(harness.on("event").isEmpty)
        #expect(harness.saves == ["garage"])
        #expect(!harness.on("settings").isEmpty)
    }

    @Test("The limits of the bank go out with those of its pack")
    func bank() throws {
        let ahead = Ahead()
        var bridge = Bridge(
            BridgeOptions(), packs: [PackOptions(id: "a"), PackOptions(id: "b")],
            banks: [BankOptions(id: "house", packs: ["a", "b"])])
        bridge.express = { ahead.take($0) }
        var milliseconds: Int64 = 1_000_000
        func now() -> Moment { Moment(monotonic: Timestamp(milliseconds: milliseconds), wall: milliseconds) }
        _ = bridge.connected(canExpire: true, at: now())
        for second in 0..<30 {
            for pack in 0..<2 {
                milliseconds += 500
                _ = bridge.receive(FrameFixture.bytes { $0.soc = 30 + second }, pack: pack, at: now())
            }
        }
        ahead.forget()
        let outbox = bridge.message(
            topic: "bms/a/set/chargeEnabled", payload: Array("off".utf8), isRetained: false, at: now())
        #expect(outbox.awaitsTick)
        #expect(Set(ahead.all.map(\.topic)) == ["bms/a/limits", "bms/house/limits"])
        #expect(try ahead.all.map { try Document($0.payload).number("ccl") } == [0, 0])
    }
}
