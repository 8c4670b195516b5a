import BMSCore
import MQTT
import SmartBMS
import TestSupport
import TestThreads
import Testing

@testable import BatteryEngine
@testable import MQTTBridge

/// A BMS sends a frame a second. A source that sends thousands must not flood the broker, and must not delay a fall.
@Suite("A source that floods", .calculates)
struct FloodTests {
    /// Delivers frames in steps of some milliseconds, each in a read of its own.
    ///
    /// - Returns: the largest number of messages in any second.
    @discardableResult
    private func flood(
        _ harness: inout BridgeHarness, seconds: Int, every step: Int64 = 5, _ change: (Int, inout Frame) -> Void
    ) -> Int {
        var counts = [harness.sent.count]
        let steps = 1000 / Int(step)
        for number in 0..<seconds * steps {
            harness.milliseconds += step
            harness.wall += step
            harness.frame { change(number, &$0) }
            if number % max(1, steps / 2) == 0 { harness.tick() }
            counts.append(harness.sent.count)
        }
        return zip(counts, counts.dropFirst(steps)).map { $1 - $0 }.max() ?? 0
    }

    private func harness() -> BridgeHarness {
        var harness = BridgeHarness()
        harness.frames(30)
        harness.sent = []
        harness.notices = []
        return harness
    }

    @Test(
        "A permission that flaps with every frame makes at most 20 messages a second",
        arguments: [5, 50, 125, 250, 500] as [Int64])
    func flapping(step: Int64) {
        var harness = harness()
        let most = flood(&harness, seconds: 20, every: step) { step, frame in
            frame.status = step % 2 == 0 ? [] : [.chargeAllowed, .dischargeAllowed]
        }
        #expect(most <= 20)
        #expect(harness.sent.count >= 20)
    }

    @Test(
        "Values that jump with every frame make at most 20 messages a second", arguments: RandomCases.seeds(1...5),
        [5, 125, 250, 500] as [Int64])
    func jumping(seed: UInt64, step: Int64) {
        var random = SeededRandom(seed)
        var harness = harness()
        let most = flood(&harness, seconds: 20, every: step) { _, frame in
            frame.status = StatusFlags(rawValue: UInt8.random(in: 0...255, using: &random))
            frame.current = Milliamperes(Int.random(in: -500...500, using: &random) * 125)
            frame.setCells(
                low: Int.random(in: 640...650, using: &random) * 5, high: Int.random(in: 660...680, using: &random) * 5)
        }
        #expect(most <= 20)
    }

    @Test("A current limit that creeps down with every frame makes at most 20 messages a second")
    func creeping() {
        var harness = harness()
        let most = flood(&harness, seconds: 20) { step, frame in
            frame.setCells(low: 3300, high: 3300 + step / 100 * 5)
        }
        #expect(most <= 20)
    }

    @Test("In a flood a lost permission is published with its frame")
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

    @Test("In a flood a deferred limit is published within two seconds")
    func putOff() {
        var harness = harness()
        flood(&harness, seconds: 5) { _, frame in frame.status = [] }
        harness.sent = []
        flood(&harness, seconds: 2) { _, frame in frame.status = [.chargeAllowed, .dischargeAllowed] }
        let limits = harness.sent.last { $0.topic == "bms/garage/limits" }.map {
            String(decoding: $0.payload, as: UTF8.self)
        }
        #expect(
            limits?.contains("\"ccl\":0,") == false && limits?.contains("\"dcl\":0,") == false, "\(limits ?? "none")")
    }

    @Test("An event that happens once survives a flood of alarms, with the time at which it happened")
    func onceInFlood() throws {
        var harness = BridgeHarness()
        harness.frames(30)
        harness.forget()
        let began = harness.wall
        flood(&harness, seconds: 20, every: 10) { step, frame in
            frame.soc = 5 + step % 2
            frame.setCells(low: 3300, high: 3495 + step % 2 * 5)
        }
        let floods = harness.notices.filter { $0.text.contains("frames a second come") }
        #expect(floods.count == 1)
        let events = try harness.on("event").map { try Document($0.payload) }
        #expect(events.count { $0.text("event") == "alarm" } > 50)
        let flood = try #require(events.first { $0.text("event") == "flood" })
        #expect((flood.number("time") ?? 0) * 1000 < Double(began + 20_000))
    }

    @Test("Frames after the pause of a flood make at most 20 messages a second", arguments: [500, 700, 900] as [Int64])
    func pause(milliseconds: Int64) {
        var harness = harness()
        var counts: [(at: Int64, count: Int)] = []
        for round in 0..<20 {
            for step in 0..<200 {
                harness.milliseconds += 5
                harness.frame {
                    $0.soc = (step + round) % 2 == 0 ? 5 : 6
                    $0.status = step % 2 == 0 ? [.cellTooLow] : [.chargeAllowed, .dischargeAllowed]
                }
                counts.append((harness.milliseconds, harness.sent.count))
            }
            harness.milliseconds += milliseconds
            harness.frame()
            counts.append((harness.milliseconds, harness.sent.count))
        }
        let most = counts.map { end in
            end.count - (counts.last { $0.at <= end.at - 1_000 }?.count ?? counts[0].count)
        }.max()
        // A frame that is no flood is published in any case, with up to eight documents.
        #expect((most ?? 0) <= 24, "\(most ?? 0)")
    }

    @Test("More than ten frames a second are reported once, eight are not")
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
