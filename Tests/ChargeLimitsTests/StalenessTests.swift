@testable import ChargeLimits

import BMSCore
import SmartBMS
import Testing
import TestSupport

@Suite("Staleness")
struct StalenessTests {
    /// A bench with frames until second 20, and 280 Ah, so that 0.2 C are 56 A.
    private func settled() -> Bench {
        var bench = Bench()
        bench.run(0...20)
        return bench
    }

    @Test(
        "Silence lowers limits by the table of the design",
        arguments: [
            (0.0, 54_880, 140_000, 280_000, ChargeState.bulk), (3.0, 54_880, 140_000, 280_000, .bulk),
            (3.001, 54_880, 140_000, 280_000, .bulk), (10.0, 54_880, 140_000, 280_000, .bulk),
            (10.001, 52_800, 0, 56_000, .stale), (60.0, 52_800, 0, 56_000, .stale), (60.001, 52_800, 0, 0, .stale),
            (86_400.0, 52_800, 0, 0, .stale),
        ])
    func table(age: Double, cvl: Int, ccl: Int, dcl: Int, state: ChargeState) throws {
        var stepped = settled()
        for tenth in stride(from: 1.0, to: min(age, 100) * 10, by: 1) { stepped.wait(at: 20 + tenth / 10) }
        stepped.wait(at: 20 + age)
        var atOnce = settled()
        atOnce.wait(at: 20 + age)
        for bench in [stepped, atOnce] {
            let limits = try #require(bench.limits)
            #expect(limits.numbers == [cvl, ccl, dcl])
            #expect(limits.state == state)
        }
    }

    @Test("The reason of a stale limit is the silence")
    func reason() throws {
        var bench = settled()
        bench.wait(at: 45)
        #expect(bench.limits?.reason(.ccl) == "no good frame from the BMS for 25 s")
        #expect(bench.limits?.reason(.dcl) == "no good frame from the BMS for 25 s")
    }

    @Test("Refused frames count as silence")
    func refused() throws {
        var bench = settled()
        for second in 21...31 { bench.feed(at: Double(second)) { $0.soc = 101 } }
        #expect(bench.limits?.ccl == .zero)
        #expect(bench.limits?.state == .stale)
    }

    @Test("While data is held limits neither fall nor rise")
    func holding() throws {
        var bench = settled()
        bench.run(16...21) { $0.status = [] }
        bench.run(22...25)
        let before = try #require(bench.limits).numbers
        #expect(try #require(bench.limits).dcl < Milliamperes(100_000))
        for tenth in 1...90 {
            bench.wait(at: 25 + Double(tenth) / 10)
            #expect(try #require(bench.limits).numbers == before)
        }
    }

    @Test(
        "Good frames after a silence raise limits by slew from their present values",
        arguments: [11.0, 30.0, 61.0, 600.0])
    func recovery(silence: Double) throws {
        var bench = settled()
        bench.wait(at: 20 + silence)
        var last = try #require(bench.limits).numbers
        #expect(last[2] == (silence > 60 ? 0 : 56_000))
        let slew = [20, 2_804, 5_607]
        let grid = [10, 500, 500]
        for second in 1...60 {
            bench.feed(at: 20 + silence + Double(second))
            let now = try #require(bench.limits).numbers
            for index in 0..<3 {
                #expect(now[index] >= last[index])
                #expect(now[index] <= last[index] + slew[index] + grid[index])
            }
            last = now
        }
        #expect(last[2] > 200_000)
        #expect(last[1] > 135_000)
    }

    @Test("The ages are configurable")
    func configured() throws {
        var bench = Bench { $0.freshness = FreshnessTimes(hold: 1_000, stale: 2_000, lost: 4_000) }
        bench.run(0...20)
        bench.wait(at: 22)
        #expect(try #require(bench.limits).ccl > .zero)
        bench.wait(at: 22.001)
        #expect(bench.limits?.ccl == .zero)
        #expect(try #require(bench.limits).dcl > .zero)
        bench.wait(at: 24.001)
        #expect(bench.limits?.dcl == .zero)
    }
}
