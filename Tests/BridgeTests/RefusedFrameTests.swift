import BMSCore
import MQTT
import SmartBMS
import ChargeLimits
import JSON
import TestSupport
import TestThreads
import Testing

@testable import BatteryEngine
@testable import MQTTBridge

@Suite("Refused frames at the outputs", .calculates)
struct RefusedFrameTests {
    private func harness(_ function: RelayOptions.Function, whenStale: RelayOptions.Rest = .open) -> BridgeHarness {
        var relay = RelayOptions(name: "switch")
        relay.function = function
        relay.commandTopic = "cmnd/switch/POWER"
        relay.dwell = 0
        relay.whenStale = whenStale
        var harness = BridgeHarness { _, pack in pack.relays = [relay] }
        harness.guards(isUp: true)
        return harness
    }

    private func commands(_ harness: BridgeHarness) -> [String] {
        harness.sent.filter { $0.topic == "cmnd/switch/POWER" }.map { String(decoding: $0.payload, as: UTF8.self) }
    }

    /// A board at 94 degC, for which the BMS forbids both.
    private func hot(_ frame: inout Frame) {
        frame.highestTemperature = RawTemperature(380)
        frame.status = .tooWarm
    }

    @Test(
        "a permission that a refused frame withdraws opens the relay and lowers limits, gx and state in its step",
        arguments: [RelayOptions.Function.chargeAllowed, .dischargeAllowed])
    func step(function: RelayOptions.Function) throws {
        var harness = harness(function)
        harness.frames(20)
        #expect(commands(harness).last == "ON")
        #expect(try #require(try harness.document("limits").number("ccl")) > 0)
        harness.forget()
        harness.pass(1)
        harness.frame(hot)
        #expect(commands(harness) == ["OFF"])
        let limits = try harness.document("limits")
        #expect(limits.number("ccl") == 0)
        #expect(limits.number("dcl") == 0)
        let gx = try harness.document("gx")
        #expect(gx.number("Info.MaxChargeCurrent") == 0)
        #expect(gx.number("Info.MaxDischargeCurrent") == 0)
        #expect(gx.number("Io.AllowToCharge") == 0)
        #expect(gx.number("Io.AllowToDischarge") == 0)
        let state = try harness.document("state")
        #expect(state.number("Io.AllowToCharge") == 0)
        #expect(state.number("Io.AllowToDischarge") == 0)
    }

    @Test("alarms of refused frames show by two of three on state and gx, and stay if no good frame follows")
    func alarms() throws {
        var harness = harness(.fault)
        harness.frames(20)
        harness.frames(1, hot)
        #expect(try harness.document("state").number("Alarms.HighTemperature") == 0)
        #expect(commands(harness).last == "ON")
        harness.frames(1, hot)
        #expect(try harness.document("state").number("Alarms.HighTemperature") == 2)
        #expect(try harness.document("gx").number("Alarms.HighTemperature") == 2)
        // Measurements are those of the last good frame.
        #expect(try harness.document("state").number("Soc") == 50)
        #expect(commands(harness).last == "OFF")
        harness.frames(60, hot)
        #expect(try harness.document("state").number("Alarms.HighTemperature") == 2)
        #expect(try harness.document("state").isNull("Alarms.LowCellVoltage"))
        #expect(try harness.document("state").isNull("Soc"))
        harness.silence(11)
        #expect(try harness.document("state").isNull("Alarms.HighTemperature"))
    }

    @Test("a relay that holds through a short silence opens when a refused frame withdraws its permission")
    func relays() {
        var held = harness(.dischargeAllowed, whenStale: .hold)
        held.frames(5)
        held.silence(12)
        #expect(commands(held).last == "ON")
        held.frames(1, hot)
        #expect(commands(held).last == "OFF")
        #expect(held.bridge.limits(of: 0)?.value(.dcl) == 0)
    }

    @Test("one frame with a wrong state of charge or current changes no document", arguments: [0, 1])
    func oneFrame(kind: Int) throws {
        var harness = harness(.chargeAllowed)
        harness.frames(20)
        harness.frames(1) { frame in
            if kind == 0 { frame.soc = 0 } else { frame.current = Milliamperes(-1_875_000) }
        }
        harness.frames(1)
        for topic in ["state", "gx"] {
            for message in harness.on(topic) {
                let document = try Document(message.payload)
                #expect(document.number("Soc") != 0)
                #expect(document.number("Dc.0.Current") != -1875)
                #expect(document.number("Alarms.LowSoc") != 2)
            }
        }
        harness.frames(2) { $0.soc = 0 }
        #expect(try harness.document("state").number("Soc") == 0)
    }

    @Test("a bit that flickers is reported once for each hold")
    func flicker() {
        var harness = BridgeHarness()
        harness.frames(5)
        func told() -> Int { harness.notices.count { $0.text.contains("changed its mind") } }
        for _ in 0..<10 {
            harness.frames(1) { $0.status = [.dischargeAllowed] }
            harness.frames(9)
        }
        #expect(told() == 1)
        let events = harness.on("event").map { String(decoding: $0.payload, as: UTF8.self) }
        #expect(events.count { $0.contains("\"flicker\"") && $0.contains("permission to charge") } == 1)
        harness.frames(1000)
        for _ in 0..<10 {
            harness.frames(1) { $0.status = [.dischargeAllowed] }
            harness.frames(9)
        }
        #expect(told() == 2)
    }
}
