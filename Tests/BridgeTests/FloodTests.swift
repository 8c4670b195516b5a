import BMSCore
import TestSupport
import Testing

@testable import MQTTBridge

/// A BMS sends a frame a second. A source that sends thousands must not flood the broker, and must not delay a fall.
@Suite("A source that floods")
struct FloodTests {
    /// Frames of a second in steps of 5 ms, each a read of its own.
    private func flood(_ harness: inout BridgeHarness, seconds: Int, _ change: (Int, inout Frame) -> Void) {
        for step in 0..<seconds * 200 {
            harness.milliseconds += 5
            harness.wall += 5
            harness.frame { change(step, &$0) }
            if step % 100 == 99 { harness.tick() }
        }
    }

    private func harness() -> BridgeHarness {
        var harness = BridgeHarness()
        harness.frames(30)
        harness.sent = []
        harness.notices = []
        return harness
    }

    @Test("A permission that flaps with every frame makes at most 20 messages a second")
    func flapping() {
        var harness = harness()
        flood(&harness, seconds: 20) { step, frame in
            frame.status = step % 2 == 0 ? [] : [.chargeAllowed, .dischargeAllowed]
        }
        #expect(harness.sent.count <= 20 * 20, "\(harness.sent.count)")
        #expect(harness.sent.count >= 20)
    }

    @Test(
        "Values that jump with every frame make at most 20 messages a second", arguments: 1...5 as ClosedRange<UInt64>)
    func jumping(seed: UInt64) {
        var random = SeededRandom(seed)
        var harness = harness()
        flood(&harness, seconds: 20) { _, frame in
            frame.status = StatusFlags(rawValue: UInt8.random(in: 0...255, using: &random))
            frame.current = Milliamperes(Int.random(in: -500...500, using: &random) * 125)
            frame.setCells(
                low: Int.random(in: 640...650, using: &random) * 5, high: Int.random(in: 660...680, using: &random) * 5)
        }
        #expect(harness.sent.count <= 20 * 20, "\(harness.sent.count)")
    }

    @Test("In a flood a permission that goes is told with its frame")
    func fall() {
        var harness = harness()
        flood(&harness, seconds: 20) { step, frame in frame.current = Milliamperes(step % 80 * 125) }
        harness.sent = []
        harness.milliseconds += 5
        harness.frame { $0.status = [] }
        let limits = harness.sent.first { $0.topic == "bms/garage/limits" }
        let text = limits.map { String(decoding: $0.payload, as: UTF8.self) } ?? ""
        #expect(text.contains("\"ccl\":0") && text.contains("\"dcl\":0"), "\(text)")
    }

    @Test("In a flood what is put off is told within a second")
    func putOff() {
        var harness = harness()
        flood(&harness, seconds: 5) { _, frame in frame.soc = 50 }
        harness.sent = []
        flood(&harness, seconds: 6) { _, frame in frame.soc = 51 }
        let states = harness.sent.filter { $0.topic == "bms/garage/state" }
        #expect(states.contains { String(decoding: $0.payload, as: UTF8.self).contains("\"Soc\":51") })
    }

    @Test("More than ten frames a second are told of once, eight are not")
    func told() {
        var harness = harness()
        flood(&harness, seconds: 60) { step, frame in frame.soc = 48 + step % 3 }
        let floods = harness.notices.filter { $0.level == .warning && $0.text.contains("frames a second come") }
        #expect(floods.count == 1)
        var calm = self.harness()
        for step in 0..<480 {
            calm.pass(0.125)
            calm.frame { $0.soc = 48 + step % 3 }
        }
        #expect(!calm.notices.contains { $0.text.contains("frames a second come") })
    }
}
