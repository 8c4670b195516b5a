import BMSCore
import SmartBMS
import ChargeLimits
import TestSupport
import Testing

@testable import BatteryEngine
@testable import MQTTBridge

@Suite("A state that is worth writing")
struct StateKeepingTests {
    private func state(
        ccl: Int = 50_000, cvl: Int = 54_880, trim: Double = 0, age: Int64 = 0, latches: Set<LimitMemory.Latch> = [],
        _ charge: ChargeState = .bulk
    ) -> PackState {
        var memory = LimitMemory(cellCount: 16, capacity: WattHours(5200))
        memory.latches = latches
        memory.recent = LimitMemory.Recent(
            age: age, levels: Limits.Levels(cvl: Millivolts(cvl), ccl: Milliamperes(ccl), dcl: Milliamperes(100_000)),
            numbers: [.trim: trim], state: charge)
        return PackState(memory: memory)
    }

    @Test(
        "A state is written if a crash would lose something, or every five minutes while frames come, but not for noise"
    )
    func worth() {
        let old = state()
        func isWorth(_ new: PackState, after minutes: Int64 = 1) -> Bool {
            new.isWorthWriting(after: old, milliseconds: minutes * 60_000)
        }
        #expect(!isWorth(old))
        #expect(!isWorth(state(ccl: 45_500, cvl: 54_800, trim: 4)))
        #expect(isWorth(state(ccl: 45_000)))
        #expect(isWorth(state(ccl: 55_000)))
        #expect(isWorth(state(cvl: 54_780)))
        #expect(isWorth(state(trim: 5)))
        #expect(isWorth(state(.float)))
        #expect(isWorth(state(latches: [.empty])))
        #expect(isWorth(old, after: 5))
        #expect(!isWorth(state(ccl: 0, age: 61_000), after: 60), "of a silent pack")
        #expect(!PackState().isWorthWriting(after: old, milliseconds: .max))
        #expect(old.isWorthWriting(after: PackState(), milliseconds: 0))
    }

    @Test("A latch is saved in the step that sets it, and in the step that releases it")
    func latched() {
        var harness = BridgeHarness { _, pack in pack.limits.reserveSoc = 20 }
        harness.frames(5) { $0.soc = 50 }
        harness.saves = []
        harness.frames(5) { $0.soc = 20 }
        #expect(harness.saves == ["garage"])
        #expect(harness.bridge.states(at: harness.now.monotonic)["garage"]?.memory?.latches == [.reserve])
        harness.saves = []
        harness.frames(20) { $0.soc = 22 }
        #expect(harness.saves.isEmpty)
        #expect(harness.bridge.limits(of: 0)?.dcl == .zero)
        harness.frames(5) { $0.soc = 24 }
        #expect(harness.saves == ["garage"])
    }

    @Test("A stop before the first frame loses no kept value")
    func nothingHeard() throws {
        var memory = LimitMemory(cellCount: 16, capacity: FrameFixture.frame().capacity, secondsSinceFull: 100)
        memory.latches = [.reserve]
        memory.recent = LimitMemory.Recent(age: 0, numbers: [.trim: 20])
        let harness = BridgeHarness(state: PackState(memory: memory))
        // The harness starts a thousand seconds after the moment of the memory.
        let kept = try #require(harness.bridge.states(at: harness.now.monotonic)["garage"]?.memory)
        #expect(kept.latches == [.reserve])
        #expect(kept.secondsSinceFull == 1_100)
        #expect(kept.recent == nil)
        let soon = harness.bridge.states(at: Timestamp(milliseconds: 60_000))["garage"]?.memory?.recent
        #expect(soon?.age == 60_000)
        #expect(soon?.numbers[.trim] == 20)
    }
}
