@testable import ChargeLimits

import BMSCore
import SmartBMS
import Testing
import TestSupport

@Suite("Charge states")
struct ChargeStateTests {
    private static let tail = Milliamperes(4_000)

    private func frame(_ low: Int, _ high: Int, current: Int = 0, soc: Int = 50) -> Frame {
        FrameFixture.frame {
            $0.setCells(low: low, high: high)
            $0.current = Milliamperes(current)
            $0.soc = soc
        }
    }

    private func context(_ change: (inout ChargeStateMachine.Context) -> Void = { _ in }) -> ChargeStateMachine.Context
    {
        var context = ChargeStateMachine.Context(
            tail: Self.tail, rest: Milliamperes(5_000), restartVoltage: Millivolts(3250), elapsed: 1)
        change(&context)
        return context
    }

    private func states(_ frame: Frame, seconds: Int) -> [ChargeState] {
        var machine = ChargeStateMachine()
        return (0..<seconds).map { _ in
            machine.step(frame.measurements(), frame.settings, context())
            return machine.state
        }
    }

    private func full() -> ChargeStateMachine {
        var machine = ChargeStateMachine()
        let frame = frame(3400, 3405, soc: 100)
        for _ in 0..<120 { machine.step(frame.measurements(), frame.settings, context()) }
        #expect(machine.state == .full)
        return machine
    }

    /// Seconds after which a full pack goes back to bulk.
    private func secondsToBulk(
        _ frame: Frame, most: Int, _ change: (inout ChargeStateMachine.Context) -> Void = { _ in }
    ) -> Int? {
        var machine = full()
        for second in 1...most {
            machine.step(frame.measurements(), frame.settings, context(change))
            if machine.state == .bulk { return second }
        }
        return nil
    }

    @Test(
        "The state follows the highest and the lowest cell",
        arguments: [
            (3300, 3350, ChargeState.bulk), (3385, 3390, .absorption), (3395, 3400, .absorption),
            (3379, 3400, .balancing), (3380, 3400, .absorption),
        ])
    func cells(low: Int, high: Int, state: ChargeState) {
        #expect(states(frame(low, high, current: 50_000), seconds: 1) == [state])
    }

    @Test(
        "Full needs all cells at Vbalance and little current, 120 s with SoC 100, 600 s without",
        arguments: [
            (3395, 5_000, 100, 120), (3395, 5_000, 99, 600), (3395, 5_001, 100, nil), (3390, 1_000, 100, nil),
        ])
    func full(low: Int, current: Int, soc: Int, after: Int?) {
        let states = states(frame(low, 3405, current: current, soc: soc), seconds: 700)
        #expect(states.firstIndex(of: .full).map { $0 + 1 } == after)
    }

    @Test("A charge that the BMS ends itself is full at once, if the cells are at the top", arguments: [3395, 3390])
    func endedByBMS(low: Int) {
        var machine = ChargeStateMachine()
        let frame = frame(low, 3405, current: 30_000)
        let isFull = machine.step(frame.measurements(), frame.settings, context { $0.isEndedByBMS = true })
        #expect(isFull == (low == 3395))
    }

    @Test("Full becomes float when the voltage has eased down and the other packs are full")
    func float() {
        var machine = full()
        let frame = frame(3380, 3390, soc: 100)
        machine.step(frame.measurements(), frame.settings, context())
        #expect(machine.state == .full)
        machine.step(frame.measurements(), frame.settings, context { $0.mayFloat = true })
        #expect(machine.state == .float)
        machine.step(frame.measurements(), frame.settings, context())
        #expect(machine.state == .float)
    }

    @Test(
        "Charging starts again 30 s after the state of charge or a cell is low",
        arguments: [(95, 3300, nil), (94, 3300, 30), (100, 3250, nil), (100, 3245, 30)])
    func restart(soc: Int, low: Int, after: Int?) {
        #expect(secondsToBulk(frame(low, 3320, soc: soc), most: 100) == after)
    }

    @Test("A short dip does not start a charge")
    func dip() {
        var machine = full()
        for second in 0..<120 {
            let frame = frame(3300, 3320, soc: second % 30 == 29 ? 95 : 94)
            machine.step(frame.measurements(), frame.settings, context())
        }
        #expect(machine.state == .full)
    }

    @Test(
        "Cells 50 mV apart at rest for 20 minutes start balancing again",
        arguments: [(3300, 3350, 0, 1200), (3300, 3345, 0, nil), (3300, 3350, -5_001, nil), (3350, 3400, 0, nil)])
    func apart(low: Int, high: Int, current: Int, after: Int?) {
        #expect(secondsToBulk(frame(low, high, current: current, soc: 99), most: 1300) == after)
    }

    @Test("A full charge that is due or requested starts at once")
    func due() {
        #expect(secondsToBulk(frame(3380, 3390, soc: 100), most: 5) { $0.isFullChargeDue = true } == 1)
    }

    @Test("Balancing without progress in 24 h of trying ends as full and stalled; progress starts the 24 h again")
    func stalled() {
        var machine = ChargeStateMachine()
        func balance(_ low: Int, hours: Int) {
            let frame = frame(low, 3440, current: 2_000)
            for _ in 0..<hours * 720 { machine.step(frame.measurements(), frame.settings, context { $0.elapsed = 5 }) }
        }
        balance(3340, hours: 23)
        balance(3350, hours: 23)
        #expect(machine.state == .balancing)
        // Noise within a count is not progress.
        balance(3355, hours: 2)
        #expect(machine.state == .full)
        #expect(machine.isStalled)
        let later = frame(3300, 3350, soc: 99)
        for _ in 0..<3000 { machine.step(later.measurements(), later.settings, context()) }
        #expect(machine.state == .full, "no new attempt until the pack was used")
    }
}

@Suite("Full charge schedule")
struct FullChargeScheduleTests {
    private func isDue(days: Int, since: Double, hours: Range<Int>? = nil, hour: Int? = nil) -> Bool {
        var configuration = LimitConfiguration()
        configuration.fullChargeInterval = days
        configuration.balanceHours = hours
        var schedule = FullChargeSchedule(configuration)
        schedule.wasFull(secondsAgo: Int64(since * 86_400), at: .seconds(0))
        return schedule.isDue(at: .seconds(0), hour: hour)
    }

    @Test(
        "A full charge is due after the configured days, and never with 0",
        arguments: [(7, 6.99, false), (7, 7, true), (1, 1, true), (0, 400, false)])
    func interval(days: Int, since: Double, expected: Bool) {
        #expect(isDue(days: days, since: since) == expected)
    }

    @Test(
        "A full charge begins within the owner's hours only, also over midnight",
        arguments: [
            (10..<16, 9, false), (10..<16, 10, true), (10..<16, 15, true), (10..<16, 16, false), (22..<30, 5, true),
            (22..<30, 6, false), (22..<30, 23, true), (10..<16, nil, true),
        ] as [(Range<Int>, Int?, Bool)])
    func hours(hours: Range<Int>, hour: Int?, expected: Bool) {
        #expect(isDue(days: 1, since: 2, hours: hours, hour: hour) == expected)
    }

    @Test("A pack that was never full is not due; a request is valid until the pack is full")
    func request() {
        var schedule = FullChargeSchedule(LimitConfiguration())
        #expect(!schedule.isDue(at: .seconds(1e9), hour: nil))
        schedule.request(true)
        #expect(schedule.isDue(at: .seconds(0), hour: nil))
        schedule.wasFull(secondsAgo: 0, at: .seconds(0))
        #expect(!schedule.isDue(at: .seconds(0), hour: nil))
    }
}
