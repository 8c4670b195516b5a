@testable import ChargeLimits

import BMSCore
import SmartBMS
import Testing
import TestSupport

/// Settings and clocks that cannot be right; each has a safe answer and a reason that names it.
@Suite("Bad settings and clocks")
struct BadSettingsTests {
    @Test("A Vbalance too near to or above Vmax is not used", arguments: [3660, 3700, 4900])
    func balanceTooHigh(balance: Int) throws {
        var bench = Bench()
        bench.run(0...60) {
            $0.maximumVoltage = Millivolts(3700)
            $0.balanceVoltage = Millivolts(balance)
        }
        let limits = try #require(bench.limits)
        #expect(limits.cvl < Millivolts(16 * 3680))
        #expect(
            limits.reason(.cvl).contains("is too near to Vmax, so balancing is off: the chemistry's is used"),
            "\(limits.reason(.cvl))")
    }

    @Test("With balancing switched off the chemistry's Vbalance is used", arguments: [500, 2000, 2900])
    func noBalancing(balance: Int) throws {
        var options = SnapshotBuilder.Options()
        options.chemistry = .lfp
        var bench = Bench(options: options)
        bench.run(0...60) { $0.balanceVoltage = Millivolts(balance) }
        let limits = try #require(bench.limits)
        #expect(limits.cvl == Millivolts(16 * 3430))
        #expect(limits.reason(.cvl).contains("is not above Vmin: the chemistry's is used"))
    }

    @Test(
        "Thresholds of another chemistry lift CVL neither above the chemistry's cells nor, where charging is forbidden, above the pack",
        arguments: [Chemistry.lfp, .nmc, .nca, .lto],
        [(3000, 3400, 3700), (3490, 4000, 4150), (2150, 2600, 2750), (3300, 3350, 3600)])
    func anotherChemistry(chemistry: Chemistry, thresholds: (low: Int, balance: Int, high: Int)) throws {
        var options = SnapshotBuilder.Options()
        options.chemistry = chemistry
        var bench = Bench(options: options)
        let cell = chemistry.nominalVoltage.rawValue / 5 * 5
        func frame(_ frame: inout Frame) {
            frame.minimumVoltage = Millivolts(thresholds.low)
            frame.balanceVoltage = Millivolts(thresholds.balance)
            frame.maximumVoltage = Millivolts(thresholds.high)
            frame.setCells(low: cell, high: cell)
            frame.packVoltage = Millivolts(16 * cell)
            frame.current = .zero
        }
        bench.run(0...60, frame)
        let limits = try #require(bench.limits)
        #expect(limits.cvl <= chemistry.highestCellVoltage * 16)
        if limits.thresholdFault != nil {
            #expect(limits.ccl == .zero)
            #expect(limits.cvl <= Millivolts(16 * cell + 10), "\(limits.reason(.cvl))")
        }
        bench.wait(at: 75)
        let stale = try #require(bench.limits)
        #expect(stale.ccl == .zero)
        #expect(stale.cvl <= chemistry.highestCellVoltage * 16)
    }

    @Test("With Vmin at or above Vmax every frame is refused", arguments: [(3700, 3700), (3800, 3650)])
    func crossed(minimum: Int, maximum: Int) {
        var bench = Bench()
        bench.run(0...60) {
            $0.minimumVoltage = Millivolts(minimum)
            $0.maximumVoltage = Millivolts(maximum)
        }
        #expect(bench.limits == nil)
        #expect((bench.receiver.counters.rejections[.thresholds] ?? 0) > 50)
    }

    @Test("Without a capacity the currents are tiny, and the reason says what to do")
    func noCapacity() throws {
        var bench = Bench()
        bench.run(0...60) { $0.capacity = .zero }
        let limits = try #require(bench.limits)
        #expect(limits.ccl <= Milliamperes(500))
        #expect(limits.dcl <= Milliamperes(1_000))
        #expect(limits.reason(.dcl) == "no capacity is set in the BMS: 1 Ah assumed, set it in the vendor's app")
    }

    @Test(
        "A cell count that changes while charging stops the charge for a minute, and then the limits start again",
        arguments: [8, 15, 24])
    func cellCount(count: Int) throws {
        var bench = Bench()
        bench.run(0...60)
        let change: (inout Frame) -> Void = {
            $0.cellCount = count
            $0.setCells(low: 3300, high: 3320)
            $0.packVoltage = Millivolts(3310 * count)
            $0.lowestVoltageCell = 1
            $0.highestVoltageCell = 2
            $0.lowestTemperatureCell = 1
            $0.highestTemperatureCell = 2
        }
        // Four frames are refused, and the fifth confirms the change.
        bench.run(61...64, change)
        #expect(bench.limits?.cvl == Millivolts(54_880))
        bench.run(65...65, change)
        let limits = try #require(bench.limits)
        #expect(limits.ccl == .zero)
        #expect(limits.cvl <= Millivolts(count * 3300))
        #expect(limits.cvl.rawValue > count * 3040 - 10)
        #expect(limits.reason(.ccl) == "the number of cells changed from 16 to \(count): starting anew")
        bench.run(66...124, change)
        #expect(bench.limits?.ccl == .zero)
        bench.run(125...400, change)
        #expect(try #require(bench.limits).ccl > Milliamperes(90_000))
        #expect(bench.limits?.cvl == Millivolts(count * 3430))
    }

    @Test("A clock that jumps back counts as silence until the next frame, and raises no limit")
    func clockBack() throws {
        var bench = Bench()
        bench.run(1000...1060)
        let before = try #require(bench.limits).numbers
        bench.wait(at: 1058)
        #expect(bench.limits?.numbers == before, "a little is forgiven")
        bench.wait(at: 10)
        let limits = try #require(bench.limits)
        #expect(limits.ccl == .zero && limits.dcl == .zero)
        #expect(limits.reason(.ccl) == "the clock jumped back: waiting for a new frame from the BMS")
        bench.feed(at: 11)
        #expect(try #require(bench.limits).dcl <= Milliamperes(5_607), "rises by slew again")
    }

    @Test("A suspended host wakes to stale limits, which rise from the next frame on")
    func suspended() throws {
        var bench = Bench()
        bench.run(0...60)
        bench.wait(at: 40_000)
        #expect(bench.limits?.numbers == [16 * 3300, 0, 0])
        bench.feed(at: 40_000.5)
        let rises = try #require(bench.limits)
        #expect(rises.dcl <= Milliamperes(5_607 * 5))
    }

    @Test("A single wild reading that is consistent in itself changes nothing")
    func wild() throws {
        var bench = Bench()
        bench.run(0...60)
        let before = bench.limits
        bench.feed(at: 61) {
            $0.setCells(low: 2000, high: 2020)
            $0.packVoltage = Millivolts(2010 * 16)
        }
        #expect(bench.limits?.numbers == before?.numbers)
        bench.feed(at: 62)
        #expect(bench.limits?.numbers == before?.numbers)
    }

    @Test("A curve must rise in temperature, and its current may not rise again after a fall")
    func curves() {
        func curve(_ points: [(Int, Int)]) -> TemperatureCurve? {
            TemperatureCurve(points: points.map { TemperatureCurve.Point(Millidegrees($0.0 * 1000), rate: $0.1) })
        }
        #expect(curve([(0, 0), (10, 500), (45, 500), (55, 0)]) != nil)
        #expect(curve([(0, 0)]) == nil)
        #expect(curve([(10, 0), (10, 500)]) == nil)
        #expect(curve([(10, 0), (0, 500)]) == nil)
        #expect(curve([(0, 500), (10, 0), (20, 500)]) == nil)
        #expect(curve([(0, -1), (10, 0)]) == nil)
        #expect(curve([(0, 0), (10, 10_001)]) == nil)
    }

    @Test("The owner's figures replace the chemistry's, and stay clear of the hard cut")
    func owner() throws {
        var bench = Bench {
            $0.head = Millivolts(10)
            $0.softCap = Millivolts(20)
            $0.chargeRate = 250
            $0.dischargeRate = 500
        }
        bench.run(0...3)
        #expect(bench.limits?.numbers == [16 * 3410, 70_000, 140_000])
        #expect(bench.limits?.cellCeiling == Millivolts(3420))
        var bold = Bench { $0.head = Millivolts(100) }
        bold.run(0...3) { $0.maximumVoltage = Millivolts(3500) }
        // The hard cut is at 3.455 V.
        #expect(bold.limits?.cvl == Millivolts(16 * 3435))
    }
}

@Suite("Stable reasons")
struct ReasonDebouncerTests {
    private func reason(_ name: RuleName, _ cell: Int = 1) -> Limits.Reason {
        let voltage = Cause.CellVoltage(cell: cell, voltage: Millivolts(3440))
        return Limits.Reason(
            cause: .leads(voltage, cap: Millivolts(3442)), name: name, stance: .bound, limit: .cvl, value: 54_400,
            bound: 54_400)
    }

    /// Takes a step with a reason.
    ///
    /// - Returns: the reason that is shown.
    private func step(
        _ keeper: inout ReasonDebouncer, _ reason: Limits.Reason, _ value: Int, at second: Double
    ) -> Limits.Reason {
        keeper.keep(reason, value: value, at: .seconds(second))
    }

    @Test("Silence takes over at once, and gives way at once")
    func silence() {
        var keeper = ReasonDebouncer()
        _ = step(&keeper, reason(.highestCell), 52_800, at: 0)
        #expect(step(&keeper, reason(.link), 52_800, at: 1).name == .link)
        #expect(step(&keeper, reason(.highestCell), 52_800, at: 2).name == .highestCell)
    }

    @Test(
        "A cause that comes and goes does not take over; one that lasts three seconds does, and one of a fall does at once"
    )
    func flap() {
        var keeper = ReasonDebouncer()
        func name(_ second: Double, _ name: RuleName, _ value: Int = 100) -> RuleName? {
            step(&keeper, reason(name), value, at: second).name
        }
        #expect(name(0, .cold) == .cold)
        for second in 1...20 { #expect(name(Double(second), second.isMultiple(of: 2) ? .cold : .hot) == .cold) }
        #expect(name(21, .hot) == .cold)
        #expect(name(23.9, .hot) == .cold)
        #expect(name(24, .hot) == .hot)
        #expect(name(25, .fuse, 99) == .fuse)
    }

    @Test("A reason no longer names a goal that the limit has passed")
    func passed() {
        var keeper = ReasonDebouncer()
        var rising = reason(.cold)
        rising.stance = .rising(146)
        #expect(step(&keeper, rising, 120, at: 0) == rising)
        #expect(step(&keeper, rising, 146, at: 1) == rising)
        rising.stance = .rising(166)
        #expect(step(&keeper, rising, 150, at: 2) == rising)
    }

    @Test("Numbers in a sentence are renewed every ten seconds")
    func renewal() {
        var keeper = ReasonDebouncer()
        let told = [(1, 0), (2, 9), (3, 10)].map { cell, second in
            step(&keeper, reason(.cold, cell), 100, at: Double(second))
        }
        #expect(told == [reason(.cold, 1), reason(.cold, 1), reason(.cold, 3)])
    }
}
