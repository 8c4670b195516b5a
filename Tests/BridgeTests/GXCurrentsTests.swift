import BMSCore
import SmartBMS
import ChargeLimits
import TestSupport
import Testing

@testable import BatteryEngine
@testable import MQTTBridge

@Suite("Whole amperes for a GX")
struct GXCurrentsTests {
    private func run(_ currents: [Int]) -> [Int] {
        var state = GXCurrents()
        var harness = BridgeHarness()
        harness.frames(3)
        guard var limits = harness.bridge.limits(of: 0) else { return [] }
        return currents.enumerated().map { second, current in
            limits.ccl = Milliamperes(current)
            state.step(limits, at: .seconds(Double(second)))
            return state.ccl ?? -1
        }
    }

    @Test(
        "a current that stays for ten seconds is taken: a cap of whole amperes is reached, and a current of 2 A starts")
    func patience() {
        #expect(
            run([38_000] + Array(repeating: 40_000, count: 12)) == [38] + Array(repeating: 39, count: 10) + [40, 40])
        #expect(run(Array(repeating: 2_000, count: 12)) == Array(repeating: 0, count: 10) + [2, 2])
    }

    @Test(
        "a current falls at once and is rounded down, rises with half an ampere to spare, stops at 2 A and starts again at 3 A",
        arguments: [
            ([50_000, 49_900, 50_100, 50_400, 50_500], [50, 49, 49, 49, 50]),
            ([80_500, 10_900, 9_999], [80, 10, 9]), ([10_500, 2_000, 1_999, 2_900, 3_000], [10, 2, 0, 0, 3]),
            ([0, 500, 1_000, 2_000, 2_999, 3_500], [0, 0, 0, 0, 0, 3]),
            ([60_500, 60_000, 61_400, 61_500], [60, 60, 60, 61]),
        ])
    func settle(currents: [Int], whole: [Int]) {
        let result = run(currents)
        #expect(result == whole)
        #expect(zip(result, currents).allSatisfy { $0 * 1000 <= $1 })
    }
}
