@testable import ChargeLimits

import BMSCore
import SmartBMS
import TestSupport
import TestThreads
import Testing

/// A bridge that is killed and started again gives the limits that it would have given without the kill. Each situation depends on
/// knowledge that no single frame has.
@Suite("Memory of the rules over a restart", .calculates)
struct RestartMemoryTests {
    struct Situation: CustomTestStringConvertible, Sendable {
        var name: String
        var seconds = 900
        /// Seconds after the restart at which limits are compared.
        var after = 120
        var configure: @Sendable (inout LimitConfiguration) -> Void = { _ in }
        /// The frame of a second.
        var frame: @Sendable (Int, inout Frame) -> Void

        var testDescription: String { name }
    }

    static let situations = [
        Situation(name: "frozen, and a charger above CVL has pushed the offset up") { second, frame in
            frame.lowestTemperature = RawTemperature(265)
            frame.current = Milliamperes(second < 400 ? 4_000 : 0)
        },
        Situation(name: "frozen, the pack stood higher when charging was forbidden") { second, frame in
            frame.lowestTemperature = RawTemperature(265)
            frame.current = .zero
            // A load pulled the pack down, and the voltage then rose above its value before.
            let low = second < 100 ? 3_280 : second < 500 ? 3_250 : 3_300
            frame.setCells(low: low, high: low + 5)
        },
        Situation(name: "a cell was above its cap at the floor, and CCL pauses") { second, frame in
            frame.soc = 95
            frame.current = Milliamperes(second < 400 ? 5_000 : 0)
            frame.setCells(low: 3_360, high: second < 400 ? 3_455 : 3_425)
        },
        Situation(name: "after a pause half of the current is given", seconds: 2_600) { second, frame in
            frame.soc = 95
            frame.current = Milliamperes(second < 100 ? 40_000 : second < 300 ? 5_000 : 0)
            frame.setCells(low: 3_360, high: second < 300 ? 3_455 : 3_390)
        },
        Situation(name: "the trim has taken a charger's error out") { second, frame in
            frame.soc = 95
            frame.current = Milliamperes(10_000)
            frame.setCells(low: 3_400, high: second < 300 ? 3_450 : 3_440)
        },
        Situation(
            name: "CCL is said in volts, and CVL has climbed until the current is there",
            configure: {
                $0.isVoltageOnly = true
                $0.maximumChargeCurrent = Milliamperes(20_000)
            }
        ) { second, frame in
            frame.current = Milliamperes(second < 200 ? 5_000 : 20_000)
            frame.setCells(low: 3_330, high: 3_335)
        },
        Situation(name: "boards were too warm to balance") { second, frame in
            frame.soc = 95
            frame.setCells(low: 3_395, high: 3_400)
            frame.lowestTemperature = RawTemperature(second < 100 ? 322 : 319)
            frame.highestTemperature = RawTemperature(second < 100 ? 323 : 320)
        },
        Situation(name: "a cell was taken away half a minute ago", after: 20) { second, frame in
            frame.cellCount = second < 870 ? 16 : 15
            frame.highestTemperatureCell = 2
            frame.setCells(low: 3_305, high: 3_320)
        },
        Situation(name: "the coldest reading was a count lower") { second, frame in
            frame.lowestTemperature = RawTemperature(second < 300 ? 274 : 275)
        },
        Situation(name: "the warmest reading was a count higher") { second, frame in
            frame.highestTemperature = RawTemperature(second < 300 ? 327 : 326)
        },
        Situation(name: "a cell sagged when a load came") { second, frame in
            frame.soc = 30
            let isLoaded = (200..<400).contains(second)
            frame.current = Milliamperes(isLoaded ? -100_000 : 0)
            frame.setCells(low: isLoaded ? 3_010 : 3_150, high: 3_170)
        },
        Situation(name: "V-low of the keys is the hold") { second, frame in
            frame.soc = 30
            frame.current = .zero
            frame.setCells(low: 3_100, high: 3_120)
            // Keys 2 and 3 give V-low 3.050 V, with enough other keys to be valid; then the cable loses them.
            let keys: [(UInt8, UInt8)] = [(2, 0x02), (3, 0x62), (1, 97), (6, 98), (7, 0), (8, 10)]
            if second < 800 { (frame.keyByte, frame.keyValue) = (keys[second % 6].0 + 25, keys[second % 6].1) }
        },
    ]

    @Test("Limits continue from their values before the restart", arguments: situations)
    func goesOn(_ situation: Situation) throws {
        var options = SnapshotBuilder.Options()
        options.chemistry = .lfp
        var running = Bench(options: options, configure: situation.configure)
        for second in 0..<situation.seconds { running.feed(at: Double(second)) { situation.frame(second, &$0) } }
        let begin = Double(situation.seconds)
        let memory = try #require(running.calculator.memory(at: .seconds(begin - 1)))
        var killed = Bench(options: options, memory: memory, at: .seconds(begin), configure: situation.configure)
        var forgetful = Bench(options: options, at: .seconds(begin), configure: situation.configure)
        for second in situation.seconds..<situation.seconds + situation.after {
            running.feed(at: Double(second)) { situation.frame(second, &$0) }
            killed.feed(at: Double(second)) { situation.frame(second, &$0) }
            forgetful.feed(at: Double(second)) { situation.frame(second, &$0) }
        }
        let (was, now) = (try #require(running.limits), try #require(killed.limits))
        #expect(abs((was.cvl - now.cvl).rawValue) <= 20, "CVL \(was.cvl), \(now.cvl)")
        #expect(abs((was.ccl - now.ccl).rawValue) <= 1_000, "CCL \(was.ccl), \(now.ccl)")
        #expect(abs((was.dcl - now.dcl).rawValue) <= 1_000, "DCL \(was.dcl), \(now.dcl)")
        #expect(was.levels != forgetful.limits?.levels, "nothing rests on memory here: the test proves nothing")
    }

    @Test("A reading that is clearly better after a stop counts at once, because the stop may have been long")
    func warmedUp() throws {
        var bench = Bench()
        bench.run(0...60) { $0.lowestTemperature = RawTemperature(265) }
        #expect(bench.limits?.ccl == .zero)
        let memory = try #require(bench.calculator.memory(at: .seconds(60)))
        var after = Bench(memory: memory, at: .seconds(400))
        after.run(400...460) { $0.lowestTemperature = RawTemperature(293) }
        #expect((after.limits?.ccl ?? .zero) > Milliamperes(50_000))
    }

    @Test("Numbers of another pack are ignored", arguments: [15, 17])
    func otherPack(cells: Int) throws {
        var bench = Bench()
        bench.run(0...60) { $0.lowestTemperature = RawTemperature(265) }
        var memory = try #require(bench.calculator.memory(at: .seconds(60)))
        memory.cellCount = cells
        memory.cellSettings.low = Millivolts(3_100)
        memory.sag = 50
        var after = Bench(memory: memory, at: .seconds(61))
        var fresh = Bench()
        for second in 61..<90 {
            after.feed(at: Double(second)) { $0.setCells(low: 3_050, high: 3_100) }
            fresh.feed(at: Double(second)) { $0.setCells(low: 3_050, high: 3_100) }
        }
        #expect(after.limits?.dcl == fresh.limits?.dcl)
        #expect(after.receiver.snapshot.cellSettings == CellSettings())
    }

    @Test(
        "A remembered rest voltage that the pack no longer has does not raise CVL, with and without a current sensor",
        arguments: [true, false])
    func lowerPack(hasSensor: Bool) throws {
        func frame(_ low: Int) -> (inout Frame) -> Void {
            {
                $0.lowestTemperature = RawTemperature(265)
                $0.current = hasSensor ? .zero : nil
                $0.setCells(low: low, high: low + 5)
            }
        }
        var bench = Bench()
        bench.run(0...120, frame(3_330))
        let memory = try #require(bench.calculator.memory(at: .seconds(120)))
        var after = Bench(memory: memory, at: .seconds(500))
        var fresh = Bench()
        after.run(500...503, frame(3_250))
        fresh.run(500...503, frame(3_250))
        #expect(try #require(after.limits).cvl <= #require(fresh.limits).cvl)
    }

    @Test("The remembered values of every situation are within the ranges of a state file", arguments: situations)
    func ranges(_ situation: Situation) throws {
        var bench = Bench(configure: situation.configure)
        for second in 0..<situation.seconds {
            bench.feed(at: Double(second)) {
                situation.frame(second, &$0)
                // A house draws current while a cell is at its cap.
                if second % 7 == 0 { $0.current = $0.current.map { $0 - Milliamperes(8_000) } }
            }
            let numbers = bench.calculator.memory(at: .seconds(Double(second)))?.recent?.numbers ?? [:]
            #expect(numbers.allSatisfy { $0.key.range.contains($0.value) }, "\(second) s: \(numbers)")
        }
    }

    @Test("A minute that spans restarts ends")
    func minuteEnds() throws {
        var bench = Bench()
        bench.run(0...20)
        let fifteen: (inout Frame) -> Void = {
            $0.cellCount = 15
            $0.highestTemperatureCell = 2
            $0.setCells(low: 3_305, high: 3_320)
        }
        bench.run(21...40, fifteen)
        #expect(bench.limits?.ccl == .zero)
        for start in [41, 71, 101] {
            let memory = try #require(bench.calculator.memory(at: .seconds(Double(start - 1))))
            bench = Bench(memory: memory, at: .seconds(Double(start)))
            bench.run(start...start + 29, fifteen)
        }
        #expect((bench.limits?.ccl ?? .zero) > .zero)
    }
}
