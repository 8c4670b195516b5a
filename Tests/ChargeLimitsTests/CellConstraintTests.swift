@testable import ChargeLimits

import BMSCore
import SmartBMS
import Testing
import TestSupport

@Suite("Highest cell")
struct HighestCellTests {
    private func cells(high: Int, pack: Int, current: Int = 50_000, elapsed: Double = 1) -> LimitInput {
        input(
            {
                $0.highestVoltage = Millivolts(high)
                $0.packVoltage = Millivolts(pack)
                $0.current = Milliamperes(current)
            }, elapsed: elapsed)
    }

    @Test(
        "CVL is N x (Vbalance + soft) less the imbalance",
        arguments: [
            (3440, 53_600, 53_616), (3400, 54_400, 55_056), (3300, 60_000, 55_056), (3500, 52_800, 51_856),
        ])
    func voltage(high: Int, pack: Int, expected: Int) throws {
        var constraint = HighestCell()
        // A step of no length takes out the trim of the first second above the cap.
        let value = constraint.value(.cvl, cells(high: high, pack: pack, elapsed: 0))
        #expect(value == expected)
    }

    @Test("A growing imbalance acts within 4 s, a shrinking one within 15 s")
    func filter() {
        var filter = ImbalanceFilter()
        func step(_ high: Int) -> Double {
            let input = cells(high: high, pack: 54_400)
            filter.step(input.measuredImbalance, elapsed: 1)
            return filter.level ?? .nan
        }
        #expect(step(3400) == 0)
        #expect(step(3425) == 100)
        #expect(step(3425) == 175)
        #expect(step(3400) == 175 * (1 - 1 / 15.0))
    }

    @Test("CVL follows a fall from 1 mV a cell on, and a rise at a distance of 7 mV a cell")
    func play() {
        var play = Hysteresis()
        let input = input()
        let walk = [55_000, 54_985, 54_984, 55_096, 55_110, 55_100, 54_983]
        #expect(walk.map { play.settle($0, input) } == [55_000, 55_000, 54_984, 54_984, 54_998, 54_998, 54_998])
        #expect(play.settle(54_982, input) == 54_982)
    }

    @Test("The trim takes at most 70 mV a cell")
    func trim() {
        var constraint = HighestCell()
        var value = 0
        for _ in 0..<500 { value = constraint.value(.cvl, cells(high: 3500, pack: 56_000)) }
        #expect(abs(value - (55_056 - 16 * 70)) <= 16)
    }

    @Test("CCL falls from the actual current while the cell is above its soft cap, and faster the higher the cell is")
    func falls() throws {
        var gentle = HighestCell()
        var hard = HighestCell()
        #expect(gentle.bound(.ccl, cells(high: 3451, pack: 55_000, current: 20_000)) == 18_000)
        #expect(hard.bound(.ccl, cells(high: 3475, pack: 55_000, current: 20_000)) == 12_000)
    }

    @Test("CCL does not fall below the current that keeps balancing going, until a cell reads Vbalance + 45 mV")
    func floor() throws {
        var constraint = HighestCell()
        var value = 0
        for _ in 0..<100 { value = constraint.value(.ccl, cells(high: 3460, pack: 55_000, current: 1_000)) }
        #expect(value == 0)
        // CCL falls again, but not for 20 minutes.
        for _ in 0..<1199 { value = constraint.value(.ccl, cells(high: 3428, pack: 54_800, current: 0)) }
        #expect(value == 0)
        for _ in 0..<2 { value = constraint.value(.ccl, cells(high: 3428, pack: 54_800, current: 0)) }
        #expect(value >= 2_000)
    }

    @Test(
        "After a pause CCL rises from its floor, for an hour to half of the current before the pause",
        arguments: [(40_000, 20_000), (10_000, 5_000), (1_000, 2_000)])
    func afterPause(current: Int, half: Int) {
        var constraint = HighestCell()
        _ = constraint.evaluate(cells(high: 3460, pack: 55_000, current: current))
        for _ in 0..<100 { _ = constraint.evaluate(cells(high: 3460, pack: 55_000, current: 1_000)) }
        var value = 0
        for _ in 0..<1200 { value = constraint.value(.ccl, cells(high: 3390, pack: 54_000, current: 0)) }
        #expect(value <= 2_200, "from the floor")
        for _ in 0..<600 { value = constraint.value(.ccl, cells(high: 3390, pack: 54_000, current: 0)) }
        #expect(value == half)
        for _ in 0..<3_600 { value = constraint.value(.ccl, cells(high: 3390, pack: 54_000, current: 0)) }
        #expect(value == 50_000)
    }

    @Test("The hour at half of the current begins when a pause ends, however long the cell kept it")
    func longPause() {
        var constraint = HighestCell()
        _ = constraint.evaluate(cells(high: 3460, pack: 55_000, current: 40_000))
        for _ in 0..<100 { _ = constraint.evaluate(cells(high: 3460, pack: 55_000, current: 1_000)) }
        var value = 0
        for _ in 0..<6_000 { value = constraint.value(.ccl, cells(high: 3440, pack: 54_800, current: 0)) }
        #expect(value == 0)
        for _ in 0..<600 { value = constraint.value(.ccl, cells(high: 3390, pack: 54_000, current: 0)) }
        #expect(value == 20_000)
    }

    @Test("CCL is 0 close to the hard cut, and the floor again 20 minutes later", arguments: [3430, 3420, 3300])
    func zero(high: Int) throws {
        var constraint = HighestCell()
        var value = 0
        for _ in 0..<100 { value = constraint.value(.ccl, cells(high: 3520, pack: 55_000)) }
        #expect(value == 0)
        value = constraint.value(.ccl, cells(high: high, pack: 55_000, current: 0))
        #expect(value == 0)
        for _ in 0..<1200 { value = constraint.value(.ccl, cells(high: high, pack: 55_000, current: 0)) }
        #expect(value >= 2_000)
    }

    @Test("CCL recovers by 0.2 % of C a second, 15 mV under the cap")
    func recovers() throws {
        var constraint = HighestCell()
        _ = constraint.evaluate(cells(high: 3475, pack: 55_000, current: 20_000))
        #expect(constraint.bound(.ccl, cells(high: 3427, pack: 54_800)) == 12_000)
        #expect(constraint.bound(.ccl, cells(high: 3425, pack: 54_800)) == 12_200)
    }
}

@Suite("Hard cut")
struct HardCellCutTests {
    @Test("One low frame does not release the cut")
    func oneFrame() {
        var cut = HardCellCut()
        func bound(_ high: Int, before: Int) -> Int? {
            var input = input {
                $0.maximumVoltage = Millivolts(3700)
                $0.highestVoltage = Millivolts(high)
            }
            input.before = input.measured
            input.before?.highestVoltage = Millivolts(before)
            return cut.bound(.ccl, input)
        }
        #expect(bound(3570, before: 3570) == 0)
        #expect(bound(3410, before: 3500) == 0)
        #expect(bound(3500, before: 3410) == 0)
        #expect(bound(3410, before: 3410) == nil)
    }

    @Test("Charge stops 55 % of the way to Vmax and starts again at Vbalance + 10 mV")
    func hysteresis() {
        var cut = HardCellCut()
        func bounds(_ high: Int) -> [Int?] {
            let input = input {
                $0.maximumVoltage = Millivolts(3700)
                $0.highestVoltage = Millivolts(high)
            }
            var once = cut
            let result = [once.bound(.ccl, input), cut.bound(.cvl, input)]
            return result
        }
        #expect(bounds(3560) == [nil, nil])
        #expect(bounds(3565) == [0, 16 * 3300])
        #expect(bounds(3415) == [0, 16 * 3300])
        #expect(bounds(3410) == [nil, nil])
        #expect(bounds(3560) == [nil, nil])
    }

    @Test(
        "A Vbalance near or above Vmax neither lifts CVL beyond Vmax nor undoes the cut", arguments: [3630, 3650, 4900])
    func strangeBalance(balance: Int) throws {
        var bench = Bench()
        bench.run(0...60) { $0.balanceVoltage = Millivolts(balance) }
        #expect(try #require(bench.limits).cvl < Millivolts(16 * 3650))
        bench.feed(at: 61) {
            $0.balanceVoltage = Millivolts(balance)
            $0.setCells(low: 3400, high: 3400)
        }
        // The second frame confirms the jump, the third the reading.
        for second in 62...64 {
            bench.feed(at: Double(second)) {
                $0.balanceVoltage = Millivolts(balance)
                $0.setCells(low: 3600, high: 3645)
            }
        }
        #expect(bench.limits?.ccl == .zero)
    }
}

@Suite("Lowest cell")
struct LowestCellTests {
    private func cell(_ low: Int, current: Int = 0, elapsed: Double = 1, lowKey: Int? = nil) -> LimitInput {
        input(
            {
                $0.lowestVoltage = Millivolts(low)
                $0.current = Milliamperes(current)
            }, elapsed: elapsed, lowKey: lowKey)
    }

    @Test(
        "DCL puts the lowest cell at its hold voltage, without the drop of the present load",
        arguments: [
            (3060, 0, 50_000), (3060, -10_000, 60_000), (3060, 10_000, 45_000), (2980, -20_000, 20_000),
            (2985, 0, 3_125),
            (2980, 0, 3_000), (2945, 0, 3_000), (2940, 0, 3_000), (2800, -50_000, 3_000),
        ])
    func current(low: Int, current: Int, expected: Int) throws {
        var constraint = LowestCell()
        let value = constraint.value(.dcl, "lowestCell", cell(low, current: current))
        #expect(abs(value - expected) <= 1)
    }

    @Test("DCL falls at once, rises after five minutes without a fall, and follows a rise at a distance of 7.5 mV")
    func filter() throws {
        var constraint = LowestCell()
        #expect(constraint.bound(.dcl, cell(3060)) == 50_000)
        #expect(abs(constraint.value(.dcl, cell(2996)) - 10_000) <= 1)
        for _ in 0..<299 { #expect(abs(constraint.value(.dcl, cell(3060)) - 10_000) <= 1) }
        // 50 A less the backlash of 4.7 A.
        #expect(abs(constraint.value(.dcl, cell(3060)) - 45_312) <= 20)
        #expect(abs(constraint.value(.dcl, cell(2996)) - 10_000) <= 1)
    }

    @Test(
        "V-low less 20 mV is the hold voltage, unless it is a careless setting",
        arguments: [
            (3100, 3080), (2950, 2930), (2945, 2980), (2900, 2980), (3150, 3130), (3155, 2980), (3420, 2980),
            (nil, 2980),
        ])
    func holdVoltage(key: Int?, hold: Int) throws {
        var constraint = LowestCell()
        // 16 mV over hold are 10 A through 1.6 milliohm.
        let value = constraint.value(.dcl, cell(hold + 16, lowKey: key))
        #expect(abs(value - 10_000) <= 1)
    }

    @Test("A Vbalance below Vmin with a V-low key does not end the program")
    func crossedThresholds() {
        var constraint = LowestCell()
        #expect(constraint.bound(.dcl, input({ $0.balanceVoltage = Millivolts(1900) }, lowKey: 3000)) != nil)
    }

    @Test("After three seconds at Vmin + 15 mV, at any current, the pack is empty")
    func empty() {
        var resting = LowestCell()
        var loaded = LowestCell()
        var ignoring = LowestCell()
        for _ in 0..<2 {
            #expect(resting.bound(.dcl, "empty", cell(2915)) == nil)
            _ = loaded.evaluate(cell(2920, current: -5_000))
            _ = ignoring.evaluate(cell(2910, current: -20_000))
        }
        #expect(resting.bound(.dcl, "empty", cell(2915)) == 0)
        #expect(loaded.bound(.dcl, "empty", cell(2920, current: -5_000)) == nil)
        #expect(ignoring.bound(.dcl, "empty", cell(2910, current: -20_000)) == 0, "a load that obeys no DCL")
    }

    @Test("Near Vmin the floor is halved until the cell is back at hold, but stays at 3 A or more")
    func near() {
        var constraint = LowestCell()
        #expect(constraint.bound(.dcl, cell(2945)) == 3_000)
        #expect(constraint.bound(.dcl, cell(2940)) == 3_000)
        #expect(constraint.bound(.dcl, cell(2975)) == 3_000)
        #expect(constraint.bound(.dcl, cell(2980)) == 3_000)
    }

    @Test(
        "Empty ends 60 s after the cell is back at hold while charging, or 0.20 V over it at rest",
        arguments: [
            (2980, 2_000, true), (2980, 0, false), (2975, 2_000, false), (3180, 0, true), (3175, 0, false),
        ])
    func release(low: Int, current: Int, isReleased: Bool) {
        var constraint = LowestCell()
        for _ in 0..<10 { _ = constraint.evaluate(cell(2910)) }
        for _ in 0..<59 { #expect(constraint.bound(.dcl, "empty", cell(low, current: current)) == 0) }
        #expect((constraint.bound(.dcl, "empty", cell(low, current: current)) == nil) == isReleased)
    }

    @Test("A pack without a configured capacity causes no division by zero")
    func noCapacity() throws {
        var constraint = LowestCell()
        let without = input({ frame in
            frame.lowestVoltage = Millivolts(3300)
            frame.capacity = .zero
        })
        #expect(without.capacity == DerivedParameters.leastCapacity)
        #expect(constraint.value(.dcl, without) >= 0)
    }
}
