@testable import ChargeLimits

import BMSCore
import SmartBMS
import Testing
import TestSupport

@Suite("Limit calculator")
struct LimitCalculatorTests {
    @Test("The documents name every rule", arguments: RuleName.allCases)
    func documented(name: RuleName) {
        let text = Repository.read("docs/limits.md") + Repository.read("docs/mqtt-topics.md")
        #expect(text.contains("`\(name.rawValue)`") || text.contains("`\(name.rawValue):"), "\(name.rawValue)")
    }

    @Test("The first limits come with the second equal frame, and in full: a restart stops no inverter")
    func first() {
        var bench = Bench()
        #expect(bench.wait(at: -1) == nil)
        #expect(bench.feed(at: 0) == nil)
        #expect(bench.feed(at: 1)?.numbers == [54_880, 140_000, 280_000])
    }

    @Test("The first limits of a pack that the BMS blocks are 0, and CVL is at most its own voltage")
    func firstBlocked() {
        var bench = Bench()
        bench.run(0...1) { $0.status = [] }
        #expect(bench.limits?.numbers.suffix(2) == [0, 0])
        #expect(bench.limits.map { $0.cvl <= FrameFixture.frame().packVoltage } == true)
    }

    @Test("Nothing rises in a step without a good frame, also while data is fresh")
    func noFrameNoRise() throws {
        var bench = Bench()
        bench.run(0...15)
        bench.run(16...21) { $0.status = [] }
        bench.run(22...24)
        let before = try #require(bench.limits).numbers
        bench.wait(at: 24.5)
        #expect(bench.limits?.numbers == before)
        bench.feed(at: 25)
        #expect(try #require(bench.limits).dcl > Milliamperes(before[2]))
    }

    @Test("For 20 s after a damaged frame no limit rises, every limit falls as usual, and the reason names the damage")
    func damage() throws {
        var bench = Bench()
        bench.run(0...15)
        bench.run(16...21) { $0.status = [] }
        bench.run(22...24)
        bench.feed([UInt8](repeating: 7, count: 58), at: .seconds(25))
        let before = try #require(bench.limits).numbers
        #expect(before[2] > 0)
        // The rest of the damaged frame is dropped with the next frame.
        bench.run(26...46)
        #expect(bench.limits?.numbers == before)
        #expect(try #require(bench.limits).reason(.dcl).contains("until the line has damaged nothing for 20 s"))
        bench.feed(at: 47)
        let risen = try #require(bench.limits).dcl
        #expect(risen > Milliamperes(before[2]))
        bench.run(48...60)
        #expect(try #require(bench.limits).reason(.dcl).contains("rising"))
        bench.feed([UInt8](repeating: 7, count: 58), at: .seconds(60.5))
        bench.feed(at: 61) { $0.status = [] }
        #expect(bench.limits?.dcl == .zero)
    }

    @Test("Half a frame after the opening of a source is not damage, but more is")
    func opening() {
        let half = Array(FrameFixture.bytes { _ in }.suffix(57))
        for (bytes, isDamage) in [(half, false), (half + [0], true)] {
            var bench = Bench()
            bench.feed(bytes, at: .seconds(0))
            bench.run(1...3)
            #expect((bench.receiver.snapshot.damagedAt != nil) == isDamage)
            bench.receiver.reset()
            bench.feed(half, at: .seconds(30))
            bench.run(31...32)
            #expect(bench.receiver.snapshot.damagedAt ?? .seconds(0) < .seconds(30))
        }
    }

    @Test("Ticks between frames do not slow a rise")
    func ticks() throws {
        var ticked = Bench()
        var plain = Bench()
        for second in 0...40 {
            let isBlocked = second == 20
            for tick in 1...3 { ticked.wait(at: Double(second) - 1 + Double(tick) / 4) }
            ticked.feed(at: Double(second)) { if isBlocked { $0.status = [] } }
            plain.feed(at: Double(second)) { if isBlocked { $0.status = [] } }
        }
        #expect(try #require(ticked.limits).numbers == plain.limits?.numbers)
        #expect(try #require(plain.limits).dcl > Milliamperes(90_000))
    }

    @Test("A rise starts only when it reaches 5 % or 1 A, and then goes all the way by slew")
    func worthIt() {
        var ramp = SlewLimiter.current
        func step(_ goal: Int) -> Int { ramp.step(to: goal, mayRise: true, isFinal: false, slew: 2_000, elapsed: 1) }
        #expect(step(96_000) == 96_000)
        #expect(step(101_000) == 96_000)
        #expect(step(102_000) == 98_000)
        #expect(step(99_000) == 99_000)
        #expect(step(5_000) == 5_000)
        #expect(step(5_900) == 5_000)
        #expect(step(6_000) == 6_000)
    }

    @Test("The reason of a rising limit names the rise")
    func rising() {
        var bench = Bench()
        bench.run(0...15)
        bench.run(16...21) { $0.status = [] }
        bench.run(22...25)
        #expect(
            bench.limits?.reason(.dcl).hasPrefix("rising slowly towards 280.0 A: 1.0 C of 280.3 Ah for LFP") == true)
    }

    @Test("CVL is never below N x (Vmin + 0.3 (Vbalance - Vmin)), on its grid of 10 mV")
    func floor() {
        var bench = Bench()
        bench.run(0...60) { frame in
            frame.setCells(low: 3000, high: 3500)
            frame.packVoltage = Millivolts(48_500)
        }
        #expect(bench.limits?.cvl == Millivolts(16 * 3050))
    }

    @Test("Constraints are listed by limit, the lowest first")
    func order() throws {
        var bench = Bench()
        bench.run(0...3)
        let limits = try #require(bench.limits)
        #expect(
            limits.constraints.map(\.limit.rawValue)
                == limits.constraints.map(\.limit.rawValue).sorted {
                    ["cvl", "ccl", "dcl"].firstIndex(of: $0) ?? 3 < ["cvl", "ccl", "dcl"].firstIndex(of: $1) ?? 3
                })
        for kind in LimitKind.allCases {
            let values = limits.constraints.filter { $0.limit == kind }.map(\.value)
            #expect(values == values.sorted())
            #expect(!values.isEmpty)
        }
    }

    @Test("The ceiling of a cell and the low voltage of the pack follow the settings")
    func cellCeiling() {
        var bench = Bench()
        bench.run(0...1)
        #expect(bench.limits?.cellCeiling == Millivolts(3441))
        #expect(bench.limits?.lowVoltage == Millivolts(16 * 2980))
    }

    /// Frames of an hour in which faults, settings and the number of cells come and go.
    private func change(_ second: Int, _ seed: Int) -> (inout Frame) -> Void {
        { frame in
            let phase = (second / 40 + seed) % 7
            frame.setCells(low: 3300 + second % 5, high: phase == 1 ? 3600 : 3315 + second % 7 * seed)
            if phase == 2 { frame.status = [.dischargeAllowed] }
            if phase == 3 { frame.status.insert(.tooCold) }
            if phase == 4 { frame.minimumVoltage = Millivolts(2950) }
            if phase == 5 { frame.lowestTemperature = RawTemperature(272) }
            if phase == 6 && second > 1000 { frame.cellCount = 15 }
        }
    }

    @Test("A copy of a calculator is independent of the original")
    func copies() {
        var first = Bench()
        first.run(0...60)
        var second = first
        // Each calculator runs alone, from the same beginning.
        var alone = [first, first]
        for index in alone.indices {
            alone[index].calculator = Bench().calculator
            alone[index].receiver = Bench().receiver
            alone[index].run(0...60)
        }
        for time in 61...600 {
            first.feed(at: Double(time), change(time, 1))
            second.feed(at: Double(time), change(time, 2))
            alone[0].feed(at: Double(time), change(time, 1))
            alone[1].feed(at: Double(time), change(time, 2))
            #expect(first.limits != nil && first.limits == alone[0].limits)
            #expect(second.limits != nil && second.limits == alone[1].limits)
        }
        #expect(first.limits != second.limits)
    }

    @Test("Kept limits do not change with later steps, and their lowest bound is the lowest of all bounds")
    func kept() throws {
        var bench = Bench()
        bench.run(0...3)
        var kept: [(limits: Limits, texts: [String])] = []
        func texts(_ limits: Limits) -> [String] { limits.constraints.map { "\($0.name) \($0.value) \($0.reason)" } }
        for second in 4...2000 {
            bench.feed(at: Double(second), change(second, 3))
            let limits = try #require(bench.limits)
            if second % 37 == 0 { kept.append((limits, texts(limits))) }
            for kind in LimitKind.allCases {
                let lowest = try #require(limits.constraints.first { $0.limit == kind })
                #expect(limits.bounds.lowest(kind) == lowest)
                #expect(kind == .cvl || limits.value(kind) <= lowest.value)
            }
        }
        for (limits, before) in kept { #expect(texts(limits) == before) }
        // The test needs enough different limits.
        #expect(Set(kept.map(\.texts)).count > 10)
    }

    @Test("A negative constraint on a current counts as 0")
    func negative() {
        #expect(Bound.ccl(Milliamperes(-5), .cold, .nothingKnown).value == 0)
        #expect(Bound.dcl(Milliamperes(-5), .cold, .nothingKnown).value == 0)
    }
}
