@testable import ChargeLimits

import BMSCore
import SmartBMS
import Testing
import TestSupport
import TestThreads

@Suite("Hostile input", .calculates)
struct HostileInputTests {
    /// Windows whose signs and sum are right and whose other bytes are random, in blocks with equal settings so that the gate accepts them;
    /// every third block is pure noise.
    private func fuzz(seed: UInt64, windows: Int, at moment: (Int, inout SeededRandom) -> Timestamp) -> Bench {
        var random = SeededRandom(seed)
        var options = SnapshotBuilder.Options()
        options.confirmation.highestCell = Millivolts(400_000)
        options.confirmation.lowestCell = Millivolts(400_000)
        options.confirmation.temperatureCounts = 70_000
        options.confirmation.settingsConfirmation = 1
        // Most of these frames come at a rate that no BMS has, and must be accepted all the same.
        options.judgesArrival = false
        var bench = Bench(rules: .shapeOnly, options: options)
        var block = FrameFixture.randomWindow(using: &random)
        for index in 0..<windows {
            var window = FrameFixture.randomWindow(using: &random)
            if index % 50 == 0 { block = FrameFixture.randomWindow(using: &random) }
            if index / 50 % 3 != 0 {
                window[25] = max(1, block[25])
                window.replaceSubrange(49...56, with: block[49...56])
                for offset in [14, 17, 20, 23] { window[offset] = 1 }
                window[12] = UInt8.random(in: 0...window[15], using: &random)
                window[18] = UInt8.random(in: 0...window[21], using: &random)
                window[40] %= 101
                // Keys in their range, and cell communication most of the time.
                window[47] = 25 + window[47] % 20
                if !random.oneIn(8) { window[30] &= ~4 }
            }
            let now = moment(index, &random)
            _ = bench.receiver.receive(FrameFixture.withSum(window), at: now)
            // The receiver takes every window; a step for one in four keeps the run short.
            guard index % 4 == 0 else { continue }
            if let limits = bench.wait(at: now) {
                #expect(limits.numbers.allSatisfy { $0 >= 0 }, "seed \(seed), window \(index)")
            }
        }
        return bench
    }

    @Test("Random windows with right sums do not end the program", arguments: [1, 2] as [UInt64])
    func windows(seed: UInt64) {
        let bench = fuzz(seed: seed, windows: RandomCases.count(60_000)) { index, _ in .seconds(Double(index)) }
        #expect(bench.receiver.counters.framesAccepted > RandomCases.count(10_000), "seed \(seed)")
        #expect(bench.limits != nil, "seed \(seed)")
    }

    @Test(
        "Moments that run backwards or are at the ends of time do not end the program", arguments: [3, 4] as [UInt64])
    func moments(seed: UInt64) {
        let extremes: [Int64] = [.min, .min + 1, -1, 0, 1, .max - 1, .max]
        let bench = fuzz(seed: seed, windows: RandomCases.count(40_000)) { index, random in
            if random.oneIn(4) { return Timestamp(milliseconds: extremes.randomElement(using: &random) ?? 0) }
            return Timestamp(milliseconds: Int64(index) * 1000 - Int64.random(in: 0...5_000_000, using: &random))
        }
        #expect(bench.receiver.counters.framesAccepted > RandomCases.count(5_000), "seed \(seed)")
    }

    @Test("Extreme settings of the file do not end the program", arguments: [0, -1, 1, 1_000_000_000_000])
    func configuration(value: Int) {
        var bench = Bench {
            $0.maximumChargeCurrent = Milliamperes(value)
            $0.maximumDischargeCurrent = Milliamperes(value)
            $0.maximumChargeVoltage = Millivolts(value)
            $0.fuse = Milliamperes(value)
            $0.sensorRange = Milliamperes(value)
            $0.minimumChargeTemperature = Millidegrees(value)
            $0.minimumDischargeTemperature = Millidegrees(-value)
            $0.maximumTemperature = Millidegrees(value)
        }
        bench.run(0...20)
        #expect((bench.limits?.ccl ?? Milliamperes(-1)) >= .zero)
        #expect((bench.limits?.dcl ?? Milliamperes(-1)) >= .zero)
        #expect((bench.limits?.cvl ?? Millivolts(-1)) >= .zero)
    }

    @Test("A good frame after random ones is used as usual")
    func afterwards() {
        var random = SeededRandom(9)
        var bench = Bench()
        for second in 0..<2_000 { bench.feed(random.bytes(58), at: .seconds(Double(second))) }
        bench.run(2_000...2_004)
        #expect(bench.limits?.numbers == [54_880, 140_000, 280_000])
    }
}
