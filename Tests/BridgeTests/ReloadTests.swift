import BMSCore
import MQTT
import SmartBMS
import ChargeLimits
import TestSupport
import Testing

@testable import BatteryEngine
@testable import MQTTBridge

@Suite("A configuration that is read again")
struct ReloadTests {
    /// Reloads: another bridge continues a second later.
    private func reload(
        _ harness: inout BridgeHarness, isSameSource: Bool = true, _ change: (inout PackOptions) -> Void = { _ in }
    ) {
        var pack = PackOptions(id: "garage", name: "Garage battery")
        change(&pack)
        _ = harness.bridge.disconnected(at: harness.now)
        harness.pass(1)
        let states = harness.bridge.states(at: harness.now.monotonic)
        var next = Bridge(BridgeOptions(), packs: [pack], states: states, at: harness.now.monotonic)
        next.resume(from: harness.bridge, sameSources: isSameSource ? ["garage"] : [], at: harness.now)
        harness.bridge = next
        harness.forget()
        harness.connect()
    }

    @Test("The GX tree shows no currents of a source that was replaced", arguments: [true, false])
    func treeCurrents(isSameSource: Bool) throws {
        let portal = "02a1b2c3d4e5"
        var options = BridgeOptions()
        options.gxTree = GXTreeOptions(portalID: portal, owner: "test")
        var harness = BridgeHarness { all, _ in all = options }
        harness.frames(40)
        var next = Bridge(
            options, packs: [PackOptions(id: "garage", name: "Garage battery")], at: harness.now.monotonic)
        next.resume(from: harness.bridge, sameSources: isSameSource ? ["garage"] : [], at: harness.now)
        harness.bridge = next
        harness.connect()
        harness.silence(4)
        harness.forget()
        harness.message("R/\(portal)/keepalive", "")
        let topic = "N/\(portal)/battery/512/Info/MaxChargeCurrent"
        let value = try #require(harness.sent.last { $0.topic == topic })
        #expect((String(decoding: value.payload, as: UTF8.self) == #"{"value":null}"#) != isSameSource)
    }

    @Test("A retained command of a relay is reported once, over a reload as well")
    func retainedCommand() {
        var relay = RelayOptions(name: "charger")
        relay.commandTopic = "cmnd/charger/POWER"
        var harness = BridgeHarness { _, pack in pack.relays = [relay] }
        harness.frames(3)
        harness.message("cmnd/charger/POWER", "ON", isRetained: true)
        var pack = PackOptions(id: "garage", name: "Garage battery")
        pack.relays = [relay]
        var next = Bridge(BridgeOptions(), packs: [pack], at: harness.now.monotonic)
        next.resume(from: harness.bridge, sameSources: ["garage"], at: harness.now)
        harness.bridge = next
        harness.connect()
        harness.message("cmnd/charger/POWER", "ON", isRetained: true)
        #expect(harness.notices.filter { $0.text.contains("a retained 'ON'") }.count == 1)
    }

    @Test("The limits continue at once, and a rise goes on at its slew")
    func ramp() throws {
        var harness = BridgeHarness()
        harness.frames(10)
        harness.command("maxDischargeCurrent", "20")
        harness.frames(5)
        harness.command("maxDischargeCurrent", "500")
        harness.frames(2)
        let before = try #require(harness.bridge.limits(of: 0))
        #expect(before.dcl < Milliamperes(60_000))
        reload(&harness)
        #expect(harness.bridge.limits(of: 0)?.levels == before.levels)
        #expect(!harness.on("limits").isEmpty || !harness.on("state").isEmpty)
        harness.frames(1)
        // The rise is 2 % of 280 A a second, over one second and the second of the reload.
        let after = try #require(harness.bridge.limits(of: 0))
        #expect(after.dcl <= before.dcl + Milliamperes(2 * 5_600 + 500))
    }

    @Test("A cap of the new file is in force with the first document")
    func cap() throws {
        var harness = BridgeHarness()
        harness.frames(10)
        reload(&harness) { $0.limits.maximumDischargeCurrent = Milliamperes(15_000) }
        #expect(try harness.document("limits").number("dcl") == 15)
        harness.frames(1)
        #expect(harness.bridge.limits(of: 0)?.dcl == Milliamperes(15_000))
    }

    @Test("Settings, peaks, energy, link quality and time since full are kept")
    func figures() throws {
        var harness = BridgeHarness(
            state: PackState(
                memory: LimitMemory(cellCount: 16, capacity: FrameFixture.frame().capacity, secondsSinceFull: 100)))
        harness.frames(70) { $0.lifetimeIn = WattHours(5_000) }
        harness.frames(1) { $0.setCells(low: 3200, high: 3320) }
        harness.command("maxChargeCurrent", "30")
        reload(&harness)
        harness.frames(2) { $0.lifetimeIn = WattHours(5_000) }
        let state = try harness.document("state")
        #expect(state.number("History.MinimumCellVoltage") == 3.2)
        #expect(state.number("Link.Quality") != nil)
        #expect(state.number("Energy.In") == 5)
        #expect((state.number("History.TimeSinceLastFullCharge") ?? 0) > 1_100)
        #expect(try harness.document("settings").number("maxChargeCurrent.value") == 30)
        #expect(harness.bridge.limits(of: 0)?.ccl == Milliamperes(30_000))
    }

    @Test("A latch outlasts a reload, also with another source, which must first give two good frames")
    func latch() {
        for isSameSource in [true, false] {
            var harness = BridgeHarness { _, pack in pack.limits.reserveSoc = 20 }
            harness.frames(5) { $0.soc = 20 }
            #expect(harness.bridge.limits(of: 0)?.dcl == .zero)
            reload(&harness, isSameSource: isSameSource) { $0.limits.reserveSoc = 20 }
            #expect((harness.bridge.limits(of: 0) != nil) == isSameSource)
            harness.frames(10) { $0.soc = 22 }
            #expect(harness.bridge.limits(of: 0)?.dcl == .zero)
        }
    }

    @Test("After a change of the frame checks the pack must first give two good frames")
    func checks() {
        var harness = BridgeHarness()
        harness.frames(10)
        reload(&harness) { $0.decoding.chemistry = .lfp }
        #expect(harness.bridge.limits(of: 0) == nil)
        harness.frames(3)
        #expect(harness.bridge.limits(of: 0) != nil)
    }

    @Test("A relay that a reload opened stays open for its dwell")
    func dwell() {
        func withRelay(_ pack: inout PackOptions) {
            var relay = RelayOptions(name: "charger")
            relay.commandTopic = "cmnd/charger/POWER"
            relay.dwell = 60_000
            pack.relays = [relay]
        }
        func last(_ harness: BridgeHarness) -> String? {
            harness.sent.last { $0.topic == "cmnd/charger/POWER" }.map { String(decoding: $0.payload, as: UTF8.self) }
        }
        var harness = BridgeHarness { withRelay(&$1) }
        harness.guards(isUp: true)
        harness.frames(100)
        #expect(last(harness) == "ON")
        reload(&harness, withRelay)
        #expect(last(harness) == "OFF")
        harness.guards(isUp: true)
        harness.frames(50)
        #expect(last(harness) == "OFF")
        harness.frames(15)
        #expect(last(harness) == "ON")
    }

    @Test("A bank keeps its limits")
    func bank() {
        let options = BankOptions(id: "house", packs: ["a", "b"])
        let packs = [PackOptions(id: "a"), PackOptions(id: "b")]
        var bridge = Bridge(BridgeOptions(), packs: packs, banks: [options])
        var second: Int64 = 1_000
        func now() -> Moment { Moment(monotonic: Timestamp(milliseconds: second * 1_000), wall: second * 1_000) }
        for _ in 0..<30 {
            second += 1
            for index in packs.indices { _ = bridge.receive(FrameFixture.bytes(), pack: index, at: now()) }
            _ = bridge.tick(at: now())
        }
        let before = bridge.limits(of: 2)?.levels
        #expect(before != nil)
        var next = Bridge(
            BridgeOptions(), packs: packs.reversed(), banks: [options], states: bridge.states(at: now().monotonic),
            at: now().monotonic)
        next.resume(from: bridge, sameSources: ["a", "b"], at: now())
        #expect(next.limits(of: 2)?.levels == before)
        second += 1
        for index in packs.indices { _ = next.receive(FrameFixture.bytes(), pack: index, at: now()) }
        _ = next.tick(at: now())
        #expect(next.limits(of: 2)?.levels == before)
    }
}
