import BatteryEngine
import JSON
import MQTT
import TestThreads
import Testing

@testable import MQTTBridge

@Suite("A CAN bus in the documents", .calculates)
struct BusTests {
    private func harness() -> BridgeHarness {
        var harness = BridgeHarness { bridge, pack in
            bridge.stateInterval = 0
            pack.hasBus = true
        }
        harness.frames(5)
        harness.forget()
        return harness
    }

    @Test("state shows the bus and what to do about it; without a bus all of it is null")
    func state() throws {
        var harness = harness()
        harness.frames(1)
        #expect(try harness.document("state").isNull("Can.Status"))
        var figures = BusFigures(address: "can:can0")
        (figures.state, figures.sets, figures.faults, figures.complaint) = (.unacknowledged, 7, 2, "nobody answers")
        harness.bridge.busChanged(figures, battery: 0, at: harness.now.monotonic)
        harness.frames(1)
        let document = try harness.document("state")
        #expect(document.text("Can.Interface") == "can:can0" && document.text("Can.Status") == "unacknowledged")
        #expect(document.number("Can.Sets") == 7 && document.number("Can.Faults") == 2)
        #expect(document.isNull("Can.Inverter"))
        #expect(document.number("ToDo.Count") == 1 && document.text("ToDo.Text") == "nobody answers")
        (figures.state, figures.complaint, figures.hearsInverter) = (.sending, nil, true)
        harness.bridge.busChanged(figures, battery: 0, at: harness.now.monotonic)
        harness.frames(1)
        #expect(try harness.document("state").text("Can.Status") == "sending")
        #expect(try harness.document("state").number("Can.Inverter") == 1)
        #expect(try harness.document("state").number("ToDo.Count") == 0)
    }

    @Test("two buses of one battery are shown by the worse, and counted together")
    func two() throws {
        var harness = harness()
        var (first, second) = (BusFigures(address: "can:can0"), BusFigures(address: "slcan:/dev/ttyACM0"))
        (first.state, first.sets, first.hearsInverter) = (.sending, 3, true)
        (second.state, second.sets, second.hearsInverter, second.complaint) = (.closed, 4, false, "gone")
        harness.bridge.busChanged(first, battery: 0, at: harness.now.monotonic)
        harness.bridge.busChanged(second, battery: 0, at: harness.now.monotonic)
        harness.frames(1)
        let document = try harness.document("state")
        #expect(document.text("Can.Interface") == "can:can0, slcan:/dev/ttyACM0")
        #expect(document.text("Can.Status") == "closed" && document.number("Can.Sets") == 7)
        #expect(document.number("Can.Inverter") == 0 && document.text("ToDo.Text") == "slcan:/dev/ttyACM0: gone")
    }

    @Test("a bus of which nothing is heard any more is not shown as one that works")
    func hung() throws {
        var harness = harness()
        var figures = BusFigures(address: "can:can0")
        figures.state = .sending
        harness.bridge.busChanged(figures, battery: 0, at: harness.now.monotonic)
        harness.frames(19)
        #expect(try harness.document("state").text("Can.Status") == "sending")
        harness.frames(2)
        #expect(try harness.document("state").text("Can.Status") == "closed")
        #expect(try harness.document("state").text("ToDo.Text")?.contains("nothing was heard of it") == true)
    }

    @Test("Home Assistant gets the bus's entities where the battery has one, and only there", arguments: [true, false])
    func entities(hasBus: Bool) {
        var harness = BridgeHarness { _, pack in pack.hasBus = hasBus }
        var figures = BusFigures(address: "can:can0")
        figures.hearsInverter = true
        harness.bridge.busChanged(figures, battery: 0, at: harness.now.monotonic)
        harness.frames(5)
        let announced = harness.sent.filter { $0.topic.hasPrefix("homeassistant/") }.map {
            String(decoding: $0.payload, as: UTF8.self)
        }.joined()
        #expect(!announced.isEmpty)
        for key in ["can_status", "can_faults", "can_inverter"] { #expect(announced.contains(key) == hasBus, "\(key)") }
    }
}
