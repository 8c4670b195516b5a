import BMSCore
import ChargeLimits
import TestSupport
import Testing

@testable import MQTTBridge

@Suite("News of a pack")
struct PackWatchTests {
    private func texts(_ harness: BridgeHarness) -> [String] { harness.notices.map(\.text) }

    @Test("an inferred chemistry is told once, with what it was taken from")
    func chemistry() {
        var harness = BridgeHarness()
        harness.frames(20)
        let told = texts(harness).filter { $0.contains("chemistry") }
        #expect(told == ["pack garage: chemistry LFP, taken from Vmin 2.900 V and Vbalance 3.400 V"])
        #expect(harness.on("event").contains { String(decoding: $0.payload, as: UTF8.self).contains("chemistry LFP") })
    }

    @Test("thresholds that fit no chemistry are a warning with the remedy; a configured one is no news")
    func unknown() {
        var harness = BridgeHarness()
        harness.frames(5) {
            $0.minimumVoltage = Millivolts(1000)
            $0.balanceVoltage = Millivolts(1500)
        }
        let warning = harness.notices.first { $0.text.contains("fit no chemistry") }
        #expect(warning?.level == .warning)
        var configured = BridgeHarness { _, pack in pack.tracker.chemistry = .lfp }
        configured.frames(5)
        #expect(!texts(configured).contains { $0.contains("chemistry") })
    }

    @Test("link found and lost are told once each, however many steps there are between frames")
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
        harness.frames(5)
        #expect(kinds() == ["linkFound", "linkLost", "linkFound"])
    }

    @Test("another number of cells is told")
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

@Suite("Packs in parallel")
struct BankTests {
    /// Charge states of two packs after both, or the first only, were full for a while.
    private func states(bank: (String?, String?), secondIsFull: Bool) -> [ChargeState?] {
        let packs = [("a", bank.0), ("b", bank.1)].map { id, bank in
            var pack = PackOptions(id: id)
            pack.bank = bank
            return pack
        }
        var bridge = Bridge(BridgeOptions(), packs: packs)
        for second in 0..<1_500 {
            for index in 0...1 {
                let bytes = FrameFixture.bytes {
                    $0.setCells(low: 3400, high: 3405)
                    $0.current = Milliamperes(index == 0 || secondIsFull ? 1_000 : 60_000)
                    $0.soc = 100
                }
                _ = bridge.receive(
                    bytes, pack: index,
                    at: Moment(monotonic: .seconds(Double(second) + Double(index) / 10), wall: Int64(second) * 1000))
            }
        }
        return [bridge.limits(ofPack: 0)?.state, bridge.limits(ofPack: 1)?.state]
    }

    @Test("a full pack waits at the target for the others of its bank")
    func waits() {
        #expect(states(bank: ("house", "house"), secondIsFull: false) == [.full, .absorption])
        #expect(states(bank: ("house", "house"), secondIsFull: true) == [.float, .float])
    }

    @Test("packs of other banks, or of none, wait for nobody")
    func alone() {
        #expect(states(bank: ("house", "shed"), secondIsFull: false) == [.float, .absorption])
        #expect(states(bank: (nil, nil), secondIsFull: false) == [.float, .absorption])
    }
}
