@testable import ChargeLimits

import BMSCore
import SmartBMS
import Testing
import TestSupport

/// A pack of 16 cells whose true resistance is known: an ohmic part and a part that comes with 40 s.
struct LoadedPack {
    var ohmic = 0.8
    var slow = 0.4
    var temperature = 25.0
    private var slowDrop = 0.0

    init(ohmic: Double = 0.8, slow: Double = 0.4) {
        self.ohmic = ohmic
        self.slow = slow
    }

    /// The frame after one second at a current in A; a discharge current is negative.
    mutating func frame(_ amperes: Double, soc: Int = 60) -> (inout Frame) -> Void {
        slowDrop += (amperes * slow - slowDrop) / 40
        let cell = 3300 + amperes * ohmic + slowDrop
        let millivolts = Int((cell / 5).rounded()) * 5
        let pack = Int((cell * 16 / 5).rounded()) * 5
        let count = Int(((temperature + 232) / 0.857).rounded())
        return {
            $0.setCells(low: millivolts, high: millivolts)
            $0.packVoltage = Millivolts(pack)
            $0.lowestVoltageCell = 3
            $0.current = Milliamperes(Int(amperes * 8) * 125)
            $0.soc = soc
            $0.lowestTemperature = RawTemperature(count)
            $0.highestTemperature = RawTemperature(count)
            $0.capacity = WattHours(5280)
        }
    }
}

@Suite("Learned resistance")
struct LearningTests {
    /// Load steps of 40 A, for 30 s each.
    private func steps(
        _ count: Int, _ pack: LoadedPack = LoadedPack(), soc: Int = 60, bench: Bench = Bench(), from start: Int = 0,
        amperes: (Int) -> Double = { $0.isMultiple(of: 2) ? -45 : -5 }
    ) -> Bench {
        var bench = bench
        var pack = pack
        for second in 0..<count * 30 {
            bench.feed(at: Double(start + second), pack.frame(amperes(second / 30), soc: soc))
        }
        return bench
    }

    @Test("Eight load steps that agree are used; before, the table counts")
    func confidence() throws {
        let early = try #require(steps(7).limits?.resistance)
        #expect(early.source == .chemistry)
        #expect(early.measured == nil)
        #expect(early.used == 25_994)
        let late = try #require(steps(12).limits?.resistance)
        #expect(late.source == .learned)
        // The resistance is 0.8 ohmic and a quarter to a half of the slow 0.4, for 16 cells.
        let measured = try #require(late.measured)
        #expect((12_800...19_200).contains(measured), "\(measured)")
    }

    @Test("The resistance behind DCL is never below the truth", arguments: [0.3, 0.5, 0.8, 1.6, 2.4])
    func neverOptimistic(ohmic: Double) throws {
        let slow = ohmic
        let limits = try #require(steps(24, LoadedPack(ohmic: ohmic, slow: slow)).limits)
        let truth = (ohmic + slow) * 16 * 1000
        #expect(Double(limits.resistance.used) >= min(truth, 4 * 25_600), "\(limits.resistance)")
    }

    @Test("A resistance learned warm is scaled up for a cold pack")
    func cold() throws {
        var pack = LoadedPack()
        let warm = steps(16, pack)
        let before = try #require(warm.limits?.resistance.used)
        pack.temperature = 5
        let cold = steps(1, pack, bench: warm, from: 16 * 30)
        #expect(try #require(cold.limits?.resistance.used) > before * 14 / 10)
    }

    @Test("Steps that are small, slow, near the ends or without a current sensor teach nothing")
    func nothing() {
        func source(_ bench: Bench) -> PackResistance.Source? { bench.limits?.resistance.source }
        #expect(source(steps(24, amperes: { $0.isMultiple(of: 2) ? -8 : -5 })) == .chemistry)
        #expect(source(steps(24, soc: 97)) == .chemistry)
        #expect(source(steps(24, soc: 7)) == .chemistry)
        #expect(source(steps(24, LoadedPack(ohmic: 0.05, slow: 0))) == .chemistry)
    }

    @Test("Steps that contradict each other are not used")
    func scatter() {
        var bench = Bench()
        for round in 0..<16 {
            let pack = LoadedPack(ohmic: round.isMultiple(of: 2) ? 0.3 : 2, slow: 0.1)
            bench = steps(2, pack, bench: bench, from: round * 60)
        }
        #expect(bench.limits?.resistance.source == .chemistry)
    }

    @Test("A learned resistance survives in the memory, for the same pack only")
    func memory() throws {
        let learned = steps(16)
        let memory = try #require(learned.calculator.memory(at: .seconds(480)))
        #expect(memory.cellCount == 16)
        func source(_ change: (inout LimitMemory) -> Void) throws -> PackResistance.Source {
            var memory = memory
            change(&memory)
            var bench = Bench()
            bench.calculator = LimitCalculator(LimitConfiguration(), memory: memory, at: .seconds(0))
            return try #require(steps(1, bench: bench).limits?.resistance.source)
        }
        #expect(try source { _ in } == .learned)
        #expect(try source { $0.cellCount = 15 } == .chemistry)
        #expect(try source { $0.capacity = WattHours(5000) } == .chemistry)
        #expect(try source { $0.resistance?.mean = .nan } == .chemistry)
        #expect(try source { $0.resistance?.mean = -1 } == .chemistry)
        #expect(try source { $0.resistance?.steps = 1_000_000 } == .chemistry)
        #expect(try source { $0.resistance?.variance = 1e9 } == .chemistry)
    }

    @Test("Another capacity set in the BMS discards the learned resistance")
    func capacity() {
        var bench = steps(16)
        #expect(bench.limits?.resistance.source == .learned)
        var pack = LoadedPack()
        for second in 480..<490 {
            let frame = pack.frame(-5)
            bench.feed(at: Double(second)) {
                frame(&$0)
                $0.capacity = WattHours(10_000)
            }
        }
        #expect(bench.limits?.resistance.source == .chemistry)
    }

    @Test("A learned resistance moves DCL near empty")
    func discharge() throws {
        // 40 mV above hold give 25 A by the table's 1.6 milliohm, and less by a learned 4.
        func limit(_ bench: Bench) throws -> Milliamperes {
            var bench = bench
            for second in 1000..<1060 {
                bench.feed(at: Double(second)) {
                    $0.setCells(low: 3020, high: 3060)
                    $0.current = .zero
                    $0.soc = 60
                    $0.capacity = WattHours(5280)
                }
            }
            return try #require(bench.limits).dcl
        }
        #expect(try limit(steps(16, LoadedPack(ohmic: 2, slow: 1))) < limit(steps(1)))
    }

    @Test("The time since the last full charge continues over a restart")
    func sinceFull() throws {
        let memory = LimitMemory(cellCount: 16, capacity: WattHours(5280), secondsSinceFull: 1_000)
        let calculator = LimitCalculator(LimitConfiguration(), memory: memory, at: .seconds(50))
        var bench = Bench()
        bench.calculator = calculator
        bench.run(50...60) { $0.capacity = WattHours(5280) }
        #expect(bench.calculator.memory(at: .seconds(60))?.secondsSinceFull == 1_010)
    }
}
