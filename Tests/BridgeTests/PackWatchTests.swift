import BMSCore
import MQTT
import SmartBMS
import ChargeLimits
import TestSupport
import Testing

@testable import BatteryEngine
@testable import MQTTBridge

@Suite("Events of a pack")
struct PackWatchTests {
    private func texts(_ harness: BridgeHarness) -> [String] { harness.notices.map(\.text) }

    @Test("an inferred chemistry is reported once, with the thresholds that gave it")
    func chemistry() {
        var harness = BridgeHarness()
        harness.frames(20)
        let told = texts(harness).filter { $0.contains("chemistry") }
        #expect(told == ["pack garage: chemistry LFP, taken from Vmin 2.900 V and Vbalance 3.400 V"])
        #expect(harness.on("event").contains { String(decoding: $0.payload, as: UTF8.self).contains("chemistry LFP") })
    }

    @Test("thresholds that fit no chemistry are a warning with the remedy; a configured chemistry is not reported")
    func unknown() {
        var harness = BridgeHarness()
        harness.frames(5) {
            $0.minimumVoltage = Millivolts(1000)
            $0.balanceVoltage = Millivolts(1500)
        }
        let warning = harness.notices.first { $0.text.contains("fit no chemistry") }
        #expect(warning?.level == .warning)
        var configured = BridgeHarness { _, pack in pack.decoding.chemistry = .lfp }
        configured.frames(5)
        #expect(!texts(configured).contains { $0.contains("chemistry") })
    }

    @Test("link found and link lost are reported once each, however many steps there are between frames")
    func link() {
        var harness = BridgeHarness()
        func kinds() -> [String] {
            harness.on("event").compactMap { message in
                let text = String(decoding: message.payload, as: UTF8.self)
                return ["linkFound", "linkLost"].first { text.contains($0) }
            }
        }
        harness.frame()
        harness.silence(1)
        harness.frame()
        harness.silence(2)
        harness.frames(5)
        #expect(kinds() == ["linkFound"])
        harness.silence(20)
        harness.frames(7)
        #expect(kinds() == ["linkFound", "linkLost", "linkFound"])
    }

    @Test(
        "a lost link is reported with what arrived in place of good frames",
        arguments: [
            ("silence", "no bytes come: check that the cable is plugged in and the BMS is on"),
            ("noise", "bytes came that are no frame: noise on the cable"),
            ("cell at 0.8 V", "frames with a right sum came and were refused: cell voltage outside the range of cells"),
            ("same frame", "frames with a right sum came and were refused: the same bytes for too long"),
        ])
    func cause(kind: String, words: String) {
        var harness = BridgeHarness { _, pack in pack.decoding.confirmation.stuck = 20_000 }
        harness.frames(20) { $0.soc = 50 }
        for second in 0..<35 {
            harness.pass(1)
            switch kind {
            case "noise": harness.bytes([UInt8](repeating: 0x55, count: 58))
            case "cell at 0.8 V": harness.frame { $0.setCells(low: 800, high: 3320) }
            case "same frame": harness.frame { $0.soc = 51 }
            default: break
            }
            harness.tick()
            // The sentence speaks of a silence of 10 s.
            if second == 9 { #expect(!texts(harness).contains { $0.contains("no good frame from the BMS") }) }
        }
        let told = texts(harness).filter { $0.contains("no good frame from the BMS") }
        #expect(told.count == 1)
        #expect(told.first?.contains(words) == true, "\(told)")
        #expect(
            ["no bytes come", "are no frame", "were refused"].filter { told.first?.contains($0) == true }.count == 1)
        // The count is that of the whole silence, not of its last second.
        let count =
            told.first?.split(separator: ";").dropFirst().joined().split(separator: " ").compactMap { Int($0) }.first
            ?? 0
        #expect(count >= ["noise": 500, "cell at 0.8 V": 10, "same frame": 1][kind, default: 0], "\(count)")
    }

    @Test("a changed number of cells is reported")
    func cells() {
        var harness = BridgeHarness()
        harness.frames(10)
        harness.frames(10) {
            $0.cellCount = 17
            $0.packVoltage = Millivolts($0.packVoltage.rawValue / 16 * 17)
        }
        #expect(texts(harness).filter { $0.contains("changed from 16 to 17") }.count == 1)
    }
}
