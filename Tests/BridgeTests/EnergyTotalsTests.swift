import BMSCore
import SmartBMS
import ChargeLimits
import TestSupport
import Testing

@testable import BatteryEngine
@testable import MQTTBridge

@Suite("Energy totals, link quality and remembered cells")
struct EnergyTotalsTests {
    private static func measured(_ lifetimeIn: Int) -> Measurements {
        FrameFixture.frame { $0.lifetimeIn = WattHours(lifetimeIn) }.measurements()
    }

    /// Values that are shown after each frame, for these values of the lifetime counter, Wh.
    private func shown(_ values: [Int]) -> [Int] {
        var totals = EnergyTotals()
        return values.map { value in
            totals.note(Self.measured(value))
            return totals.inAll?.rawValue ?? -1
        }
    }

    @Test(
        "a counter goes up when two frames agree, and down or far up when five do",
        arguments: [
            ([1000, 1000, 2000, 2000, 3000, 3000], [1000, 1000, 1000, 2000, 2000, 3000]),
            ([1000, 1010, 1020, 1030], [1000, 1000, 1010, 1020]),
            ([1000, 1900, 1000, 1000], [1000, 1000, 1000, 1000]),
            ([5000, 4000, 5000, 5000], [5000, 5000, 5000, 5000]),
            ([5000, 900_000, 5000, 6000, 6000], [5000, 5000, 5000, 5000, 6000]),
            ([5000, 0, 0, 0, 0, 0], [5000, 5000, 5000, 5000, 5000, 0]),
            ([5000, 0, 9, 1, 0, 0, 0, 0, 1, 1], [5000, 5000, 5000, 5000, 5000, 5000, 5000, 5000, 1, 1]),
            ([5000, 90_000, 90_000, 90_001, 90_001, 90_002], [5000, 5000, 5000, 5000, 5000, 90_002]),
        ])
    func counters(values: [Int], expected: [Int]) { #expect(shown(values) == expected) }

    @Test("random damage to single frames never makes a total fall")
    func monotone() throws {
        var random = SeededRandom(4)
        var truth = 100_000
        var last = 0
        var totals = EnergyTotals()
        for round in 0..<RandomCases.count(5_000) {
            truth += Int.random(in: 0...20, using: &random)
            let value = round % 3 == 1 && random.oneIn(4) ? Int.random(in: 0...16_000_000, using: &random) : truth
            totals.note(Self.measured(value))
            let now = try #require(totals.inAll?.rawValue)
            #expect(now >= last && now <= truth, "round \(round)")
            last = now
        }
    }

    @Test("link quality is the share of received frames in the last sixty seconds, and unknown in the first minute")
    func quality() throws {
        var harness = BridgeHarness { options, _ in options.stateInterval = 0 }
        harness.frames(50)
        #expect(try harness.document("state").isNull("Link.Quality"))
        harness.frames(15)
        #expect(try harness.document("state").number("Link.Quality") == 100)
        for _ in 0..<40 {
            harness.pass(1)
            harness.tick()
            harness.frames(1)
        }
        let half = try #require(try harness.document("state").number("Link.Quality"))
        #expect((48...52).contains(half), "\(half)")
    }

    @Test("the cell that reaches Vbalance first is the strongest, the lowest cell at the end of the charge the weakest")
    func cells() {
        var peaks = CellVoltageExtremes()
        var harness = BridgeHarness()
        harness.frames(3)
        guard var limits = harness.bridge.limits(of: 0) else {
            Issue.record("no limits")
            return
        }
        func note(_ highest: Int, _ millivolts: Int, lowest: Int, _ state: ChargeState) {
            limits.state = state
            let frame = FrameFixture.frame {
                $0.highestVoltageCell = highest
                $0.lowestVoltageCell = lowest
                $0.setCells(low: 3330, high: millivolts)
            }
            peaks.note(frame.measurements(), balance: frame.balanceVoltage, limits)
        }
        note(7, 3399, lowest: 1, .bulk)
        note(5, 3400, lowest: 2, .bulk)
        note(9, 3440, lowest: 3, .absorption)
        #expect(peaks.strongestCell == nil)
        note(11, 3420, lowest: 4, .full)
        note(12, 3420, lowest: 8, .full)
        #expect(peaks.strongestCell == 5)
        #expect(peaks.weakestCell == 4)
    }
}
