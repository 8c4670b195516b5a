import MQTT
import BMSCore
import SmartBMS
import TestSupport
import TestThreads
import Testing

@testable import BatteryEngine
@testable import MQTTBridge

@Suite("One step, one result", .calculates)
struct StepTests {
    private static func harness(hasRelay: Bool = false) -> BridgeHarness {
        var harness = BridgeHarness { options, pack in
            options.gxTree = GXTreeOptions(portalID: "02a1b2c3d4e5", owner: "test")
            guard hasRelay else { return }
            var relay = RelayOptions(name: "charger")
            relay.commandTopic = "cmnd/charger/POWER"
            pack.relays = [relay]
        }
        harness.guards(isUp: true)
        return harness
    }

    @Test("a command's limits, event and settings leave in the step of the command, the limits first")
    func command() throws {
        var harness = Self.harness()
        harness.frames(30)
        harness.forget()
        harness.command("maxDischargeCurrent", "12")
        #expect(harness.sent.map(\.topic).first == "bms/garage/limits")
        #expect(try harness.document("limits").number("dcl") == 12)
        #expect(harness.on("event").count == 1 && harness.on("settings").count == 1)
    }

    @Test("the limits of a bank leave in the step of its pack's command")
    func bank() throws {
        var bridge = Bridge(
            BridgeOptions(), packs: [PackOptions(id: "a"), PackOptions(id: "b")],
            banks: [BankOptions(id: "house", packs: ["a", "b"])])
        var milliseconds: Int64 = 1_000_000
        func now() -> Moment { Moment(monotonic: Timestamp(milliseconds: milliseconds), wall: milliseconds) }
        _ = bridge.connected(canExpire: true, at: now())
        for second in 0..<30 {
            for pack in 0..<2 {
                milliseconds += 500
                _ = bridge.receive(FrameFixture.bytes { $0.soc = 30 + second }, pack: pack, at: now())
            }
        }
        let sent = bridge.receive(MQTTMessage("bms/a/set/chargeEnabled", Array("off".utf8)), at: now()).messages.filter
        { $0.topic.hasSuffix("/limits") }
        #expect(sent.map(\.topic) == ["bms/a/limits", "bms/house/limits"])
        #expect(try sent.map { try Document($0.payload).number("ccl") } == [0, 0])
    }

    @Test("without a broker reports go on, and no message is made of anything")
    func withoutBroker() {
        var harness = Self.harness()
        harness.frames(5)
        var bridge = harness.bridge
        _ = bridge.disconnected(at: harness.now)
        harness.pass(1)
        let frame = bridge.receive(FrameFixture.bytes(), pack: 0, at: harness.now)
        #expect(frame.messages.isEmpty)
        #expect(frame.updates.map(\.trigger) == [.frame])
        #expect(frame.updates.first?.report.limits != nil)
        let topics = [
            "R/02a1b2c3d4e5/keepalive", "N/02a1b2c3d4e5/system/0/Serial", "bms/garage/limits", "bms/bridge/status",
        ]
        for topic in topics {
            let outbox = bridge.receive(MQTTMessage(topic, Array("{}".utf8)), at: harness.now)
            #expect(outbox.messages.isEmpty, "\(topic)")
        }
    }

    @Test("a command moves a relay in its own step")
    func relay() {
        var harness = Self.harness(hasRelay: true)
        harness.frames(95)
        #expect(harness.sent.last { $0.topic == "cmnd/charger/POWER" }?.payload == Array("ON".utf8))
        harness.forget()
        harness.command("relay/charger", "off")
        #expect(harness.sent.filter { $0.topic == "cmnd/charger/POWER" }.map(\.payload) == [Array("OFF".utf8)])
    }

    @Test("ticks between regular frames publish nothing", arguments: [1, 2, 3] as [UInt64])
    func ticks(seed: UInt64) {
        func run(hasTicks: Bool) -> [MQTTMessage] {
            var harness = Self.harness(hasRelay: true)
            var random = SeededRandom(seed)
            for _ in 0..<900 {
                for pause in [0.4, 0.4, 0.2] {
                    harness.pass(pause)
                    if hasTicks, pause == 0.4 { harness.tick() }
                }
                let (lead, soc) = (Int.random(in: 0...40, using: &random), Int.random(in: 48...52, using: &random))
                harness.frame { frame in
                    frame.highestVoltage += Millivolts(5 * lead)
                    frame.soc = soc
                }
            }
            return harness.sent
        }
        let (with, without) = (run(hasTicks: true), run(hasTicks: false))
        #expect(with.count > 1000)
        #expect(with == without)
    }
}
