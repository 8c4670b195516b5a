@testable import ChargeLimits

import BMSCore
import Testing
import TestSupport

@Suite("Limit calculator")
struct LimitCalculatorTests {
    @Test("The first limits appear with the second equal frame, whole: a restart stops no inverter")
    func first() {
        var bench = Bench()
        #expect(bench.wait(at: -1) == nil)
        #expect(bench.feed(at: 0) == nil)
        #expect(bench.feed(at: 1)?.numbers == [54_880, 140_000, 280_000])
    }

    @Test("The first limits of a pack that the BMS blocks are 0")
    func firstBlocked() {
        var bench = Bench()
        bench.run(0...1) { $0.status = [] }
        #expect(bench.limits?.numbers == [16 * 3380, 0, 0])
    }

    @Test("Nothing rises in a step without a good frame, also while data is fresh")
    func noFrameNoRise() throws {
        var bench = Bench()
        bench.run(0...20)
        bench.feed(at: 21) { $0.status = [] }
        bench.run(22...24)
        let before = try #require(bench.limits).numbers
        bench.wait(at: 24.5)
        #expect(bench.limits?.numbers == before)
        bench.feed(at: 25)
        #expect(try #require(bench.limits).dcl > Milliamperes(before[2]))
    }

    @Test("For 20 s after the line damaged a frame nothing rises, and everything falls as ever; the reason says so")
    func damage() throws {
        var bench = Bench()
        bench.run(0...20)
        bench.feed(at: 21) { $0.status = [] }
        bench.run(22...24)
        bench.feed(at: 25) { $0.soc = 101 }
        let before = try #require(bench.limits).numbers
        #expect(before[2] > 0)
        // The rest of the damaged frame is given up with the next one.
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

    @Test("The half frame after the opening of a source is no damage; more is")
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

    @Test("A rise starts only when it is worth 5 % or 1 A, and then goes all the way by slew")
    func worthIt() {
        var ramp = LimitRamp.current
        func step(_ goal: Int) -> Int { ramp.step(to: goal, mayRise: true, isFinal: false, slew: 2_000, elapsed: 1) }
        #expect(step(96_000) == 96_000)
        #expect(step(101_000) == 96_000)
        #expect(step(102_000) == 98_000)
        #expect(step(99_000) == 99_000)
        #expect(step(5_000) == 5_000)
        #expect(step(5_900) == 5_000)
        #expect(step(6_000) == 6_000)
    }

    @Test("A limit on its way up says so")
    func rising() {
        var bench = Bench()
        bench.run(0...20)
        bench.feed(at: 21) { $0.status = [] }
        bench.run(22...25)
        #expect(
            bench.limits?.reason(.dcl).hasPrefix("rising slowly towards 280.3 A: 1.0 C of 280 Ah for LFP") == true)
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

    @Test("A negative constraint on a current counts as 0")
    func negative() {
        #expect(ConstraintValue.ccl(Milliamperes(-5), .cold, .nothingKnown).value == 0)
        #expect(ConstraintValue.dcl(Milliamperes(-5), .cold, .nothingKnown).value == 0)
    }
}
