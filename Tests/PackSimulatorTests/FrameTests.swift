import BMSCore
import SmartBMS
import PackSimulator
import TestSupport
import TestThreads
import Testing

@Suite("Simulated frames are real frames", .calculates)
struct FrameTests {
    /// Runs a scenario and calls `look` with every frame.
    private func run(
        _ simulator: Simulator, seconds: Int, limits: GivenLimits = GivenLimits(), _ look: (Frame, [UInt8]) -> Void
    )
        throws
    {
        var simulator = simulator
        for _ in 0..<seconds {
            guard let bytes = simulator.step(limits: limits) else { continue }
            look(try #require(FrameDecoder.decode(bytes)), bytes)
        }
    }

    @Test("Every frame of every scenario passes the receiver's rules", arguments: Scenario.allCases, Chemistry.allCases)
    func rules(scenario: Scenario, chemistry: Chemistry) throws {
        for (cells, revision) in zip([2, 13, 16], [ManualRevision.generation2, .generation3Rev6, .generation3Rev13]) {
            let simulator = Simulator(
                scenario: scenario, cells: cells, chemistry: chemistry, revision: revision, seed: UInt64(cells))
            var bad: [String] = []
            try run(simulator, seconds: 1200) { frame, bytes in
                if case .failure(let refused) = FrameValidator().check(bytes.span) {
                    bad.append("\(refused.rejection)")
                }
                if frame.cellCount != cells { bad.append("count") }
            }
            #expect(bad.isEmpty)
        }
    }

    @Test("The slot has a reading between lowest and highest, and the pack voltage is between their multiples")
    func consistency() throws {
        let simulator = Simulator(scenario: .imbalanced, cells: 14)
        var seen: Set<Int> = []
        try run(simulator, seconds: 1500) { frame, _ in
            seen.insert(frame.slotCell)
            if frame.slotCell <= 14 {
                #expect((frame.lowestVoltage...frame.highestVoltage).contains(frame.slotVoltage))
                #expect((frame.lowestTemperature...frame.highestTemperature).contains(frame.slotTemperature))
            } else {
                #expect(frame.slotVoltage == .zero)
            }
            #expect(frame.packVoltage >= frame.lowestVoltage * 14 && frame.packVoltage <= frame.highestVoltage * 14)
            #expect(frame.current == frame.current1.flatMap { one in frame.current2.map { one - $0 } })
        }
        #expect(seen == Set(1...16))
    }

    @Test(
        "Slots run to the top of the switch range, or to the count on request",
        arguments: [
            (16, ManualRevision.generation3Rev13, true, 16), (17, .generation3Rev13, true, 25),
            (3, .generation3Rev6, true, 4),
            (17, .generation2, true, 20), (17, .generation2, false, 17), (255, .generation3Rev13, true, 255),
        ])
    func slots(cells: Int, revision: ManualRevision, above: Bool, top: Int) throws {
        let simulator = Simulator(
            scenario: .full, cells: cells, revision: revision, sendsSlotsAboveCount: above)
        var seen: [Int] = []
        try run(simulator, seconds: top + 2) { frame, _ in seen.append(frame.slotCell) }
        #expect(seen == Array(1...top) + [1, 2])
    }

    @Test("Generation 3 rotates keys 0 to 18, whose values fit the frame")
    func keys() throws {
        let simulator = Simulator(scenario: .day, chemistry: .nmc)
        var keys: [Int] = []
        var values: [Int: Int] = [:]
        var last: Frame?
        try run(simulator, seconds: 38) { frame, _ in
            keys.append(frame.key ?? -1)
            values[frame.key ?? -1] = Int(frame.keyValue)
            last = frame
        }
        #expect(keys == Array(0...18) + Array(0...18))
        let frame = try #require(last)
        func number(_ keys: Int...) -> Int { keys.reduce(0) { $0 << 8 | (values[$1] ?? 0) } }
        #expect((0...100).contains(number(0)) && (0...100).contains(number(1)))
        #expect(number(2, 3) * 5 > frame.minimumVoltage.rawValue)
        #expect(number(4, 5) * 5 == 3700)
        #expect(number(6, 7) == 0x330B)
        #expect(number(10, 11, 12) * 1000 == frame.lifetimeIn.rawValue)
        #expect(number(13, 14, 15) * 1000 == frame.lifetimeOut.rawValue)
        #expect(SecondStatus(rawValue: UInt8(number(16))) == [.chargeRelayClosed, .loadRelayClosed])
        #expect(number(17, 18) * 5 == frame.balanceVoltage.rawValue)
    }

    @Test("Generation 2 sends its clock in place of keys")
    func clock() throws {
        let simulator = Simulator(scenario: .day, revision: .generation2)
        var clocks: [String] = []
        try run(simulator, seconds: 7201) { frame, _ in
            #expect(frame.key == nil)
            let clock = "\(frame.keyByte):\(frame.keyValue)"
            if clocks.last != clock { clocks.append(clock) }
        }
        #expect(clocks.first == "10:0" && clocks.last == "12:0" && clocks.count == 121)
    }

    @Test("With one sensor, sensor 2 is absent, and sensor 1 is the battery's current with its sign")
    func oneSensor() throws {
        try run(Simulator(scenario: .empty, sensors: .one), seconds: 60) { frame, bytes in
            #expect(frame.current2 == nil)
            #expect(bytes[6] == UInt8(ascii: "X"))
            #expect(frame.current1 == frame.current)
            #expect(frame.current ?? .zero < .zero)
            #expect(frame.energyInToday == .zero)
        }
    }

    @Test("Capacity and cell count out of range are limited to it", arguments: [Int.min, 0, 1, 256, Int.max])
    func hostileArguments(number: Int) throws {
        let simulator = Simulator(scenario: .fault, cells: number, capacity: WattHours(number))
        try run(simulator, seconds: 450) { frame, bytes in
            #expect(frame.cellCount == min(max(number, 2), 255))
            #expect((100...6_500_000).contains(frame.capacity.rawValue))
            guard case .success = FrameValidator().check(bytes.span) else {
                Issue.record("a frame was refused")
                return
            }
        }
    }
}
