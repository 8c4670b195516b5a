import BMSCore
import SmartBMS
import TestSupport
import TestThreads
import Testing

@testable import BatteryEngine
@testable import MQTTBridge

@Suite("A silent pack's part in its bank", .calculates)
struct BankFadeTests {
    private func share(_ stored: Double, _ capacity: Double = 10_000) -> BankFade.Share {
        BankFade.Share(stored: stored, capacity: capacity)
    }

    private func soc(_ shares: [BankFade.Share?], _ fade: BankFade) -> Double {
        let sum = BankFade.sum(shares, fade.weights)
        return sum.stored * 100 / sum.capacity
    }

    @Test(
        "when a pack at 90 % falls silent beside one at 20 %, the bank goes from 55 to 20 by a point a minute at most")
    func example() {
        let shares = [share(9_000), share(2_000)]
        var fade = BankFade(packs: 2)
        let atFirst = fade.step(shares, isLive: [true, true], at: .seconds(0))
        #expect(atFirst == [])
        #expect(soc(shares, fade) == 55)
        var begun = 0
        var minutes: [Double] = []
        for second in 1...(60 * 60) {
            begun += fade.step(shares, isLive: [false, true], at: .seconds(Double(second))).count
            if second.isMultiple(of: 60) { minutes.append(soc(shares, fade)) }
        }
        #expect(begun == 1)
        #expect(minutes[0] >= 54 && minutes[0] < 55)
        #expect(minutes[33] > 20)
        #expect(abs((minutes.last ?? 0) - 20) < 1e-9)
        _ = fade.step(shares, isLive: [true, true], at: .seconds(4_000))
        #expect(soc(shares, fade) == 55)
    }

    @Test("a pack that was never heard has no part; while all packs are silent no part changes")
    func unheard() {
        var fade = BankFade(packs: 2)
        var begun = fade.step([share(9_000), nil], isLive: [true, false], at: .seconds(0))
        #expect(fade.weights == [1, 0])
        begun += fade.step([share(9_000), nil], isLive: [false, false], at: .seconds(100))
        #expect(fade.weights == [1, 0])
        #expect(begun == [])
    }

    @Test(
        "with random packs and silences, silence moves charge and energy by a point a minute at most",
        arguments: [5, 6] as [UInt64])
    func random(seed: UInt64) {
        var random = SeededRandom(seed)
        for _ in 0..<RandomCases.count(200) {
            let count = Int.random(in: 2...5, using: &random)
            let shares = (0..<count).map { _ -> BankFade.Share? in
                let capacity = Double.random(in: 1_000...30_000, using: &random)
                let share = share(random.oneIn(5) ? 0 : Double.random(in: 0...capacity, using: &random), capacity)
                return share
            }
            var live = [Bool](repeating: true, count: count)
            var fade = BankFade(packs: count)
            _ = fade.step(shares, isLive: live, at: .seconds(0))
            let speaker = Int.random(in: 0..<count, using: &random)
            let whole = BankFade.sum(shares, live.map { _ in 1 }).capacity
            var time = 0.0
            for _ in 0..<400 {
                if random.oneIn(20) { live[Int.random(in: 0..<count, using: &random)] = false }
                live[speaker] = true
                let pause = Double.random(in: 0.4...20, using: &random)
                time += pause
                let before = (soc: soc(shares, fade), stored: BankFade.sum(shares, fade.weights).stored)
                _ = fade.step(shares, isLive: live, at: .seconds(time))
                let points = pause / 60 + 1e-4
                #expect(abs(soc(shares, fade) - before.soc) <= points)
                #expect(before.stored - BankFade.sum(shares, fade.weights).stored <= points / 100 * whole)
            }
        }
    }
}
