import BMSCore
import TestSupport
import Testing

@testable import MQTTBridge

@Suite("Rest between frames")
struct RestTests {
    /// Whether a rest may follow what a pack's source sent, a second after what came before.
    private struct House {
        var bridge: Bridge
        private var milliseconds: Int64 = 1_000_000
        private var soc = 0

        init(packs: [String], banks: [BankOptions] = []) {
            bridge = Bridge(BridgeOptions(), packs: packs.map { PackOptions(id: $0) }, banks: banks)
            _ = bridge.connected(canExpire: true, at: now)
            for _ in 0..<10 { for pack in packs.indices { _ = hear(pack) } }
        }

        var now: Moment { Moment(monotonic: Timestamp(milliseconds: milliseconds), wall: 0) }

        /// No frame is like the one before.
        mutating func frame() -> [UInt8] {
            soc = 48 + (soc + 1) % 5
            return FrameFixture.bytes { $0.soc = soc }
        }

        mutating func hear(_ pack: Int) -> Bool { hear(pack, frame()) }

        mutating func hear(_ pack: Int, _ bytes: [UInt8]) -> Bool {
            milliseconds += 1000
            return bridge.receive(bytes, pack: pack, at: now).mayRest
        }

        mutating func message(_ topic: String, _ text: String) -> Bool {
            bridge.message(topic: topic, payload: Array(text.utf8), isRetained: false, at: now).mayRest
        }

        mutating func tick() -> Bool { bridge.tick(at: now).mayRest }
    }

    @Test("After each good frame of the only pack, and after nothing else")
    func alone() {
        var house = House(packs: ["a"])
        let frame = house.frame()
        let heard = [
            house.hear(0), house.hear(0, Array(frame[..<40])), house.hear(0, Array(frame[40...])),
            house.hear(0, [UInt8](repeating: 7, count: 116)), house.tick(),
            house.message("bms/a/set/maxChargeCurrent", "10"), house.hear(0),
        ]
        #expect(heard == [true, false, true, false, false, false, true])
    }

    @Test("A frame that is refused is none")
    func refused() {
        var house = House(packs: ["a"])
        let heard = [house.hear(0, FrameFixture.bytes { $0.cellCount = 15 }), house.hear(0)]
        #expect(heard == [false, true])
    }

    @Test("Of several packs each must be heard anew: one that falls silent ends all rest")
    func several() {
        var house = House(packs: ["a", "b", "c"])
        let inTurns = [0, 1, 2, 0, 1, 2].map { house.hear($0) }
        #expect(inTurns == [false, false, true, false, false, true])
        let outOfOrder = [2, 1, 1, 2, 0].map { house.hear($0) }
        #expect(outOfOrder == [false, false, false, false, true])
        let withoutLast = (0..<100).contains { house.hear($0 % 2) }
        #expect(!withoutLast)
        // After a long silence the first frames prove nothing.
        let again = (0..<6).map { _ in house.hear(2) }
        #expect(again == Array(repeating: false, count: 5) + [true])
    }

    @Test("Never with a bank: it looks at the frames of its packs together")
    func bank() {
        var house = House(packs: ["a", "b"], banks: [BankOptions(id: "house", packs: ["a", "b"])])
        let mayRest = (0..<20).contains { house.hear($0 % 2) }
        #expect(!mayRest)
    }

    @Test("Not while a doubt waits for the next tick")
    func doubt() {
        var house = House(packs: ["a"])
        let heard = [house.message("bms/bridge/status", "offline"), house.hear(0), house.tick(), house.hear(0)]
        #expect(heard == [false, false, false, true])
    }

    @Test("Ticks in a rest would have said nothing", arguments: [1, 2, 3] as [UInt64])
    func nothingIsMissed(seed: UInt64) {
        func run(hasTicks: Bool) -> [OutboundMessage] {
            var harness = BridgeHarness { options, pack in
                options.gxTree = GXTreeOptions(portalID: "02a1b2c3d4e5", owner: "test")
                var relay = RelayOptions(name: "charger")
                relay.commandTopic = "cmnd/charger/POWER"
                pack.relays = [relay]
            }
            harness.guards(isUp: true)
            var random = SeededRandom(seed)
            for _ in 0..<900 {
                harness.pass(0.4)
                if hasTicks { harness.tick() }
                harness.pass(0.4)
                if hasTicks { harness.tick() }
                harness.pass(0.2)
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
