import BMSCore
import SmartBMS
import PackSimulator
import TestSupport
import TestThreads
import Testing

@Suite("Scenarios do what they promise", .calculates)
struct ScenarioTests {
    /// Runs until `isOver`, or at most for `seconds`.
    ///
    /// - Returns: the second at which it was over.
    private func second(
        of simulator: inout Simulator, within seconds: Int, _ isOver: (Frame, Simulator) -> Bool
    ) throws -> Int? {
        for _ in 0..<seconds {
            guard let bytes = simulator.step() else { continue }
            if isOver(try #require(FrameDecoder.decode(bytes)), simulator) { return simulator.truth.elapsed }
        }
        return nil
    }

    @Test("Each scenario has a sentence about itself, and its name", arguments: Scenario.allCases)
    func summaries(scenario: Scenario) {
        #expect(scenario.summary.hasSuffix("."))
        #expect(Scenario(rawValue: scenario.rawValue) == scenario)
    }

    @Test("day: full by afternoon, the charge relay opens, cells stay in range", arguments: Chemistry.allCases)
    func day(chemistry: Chemistry) throws {
        var simulator = Simulator(scenario: .day, chemistry: chemistry)
        var extremes = (low: 9.0, high: 0.0)
        let full = try second(of: &simulator, within: 6 * 3600) { frame, now in
            if frame.slotCell == 1 {
                let cells = now.truth.cellVoltages
                extremes.low = min(extremes.low, cells.min() ?? 0)
                extremes.high = max(extremes.high, cells.max() ?? 9)
            }
            return frame.soc == 100
        }
        #expect(full != nil)
        #expect(!simulator.truth.isChargeRelayClosed)
        #expect(simulator.truth.timeOfDay > 11 * 3600 && simulator.truth.timeOfDay < 15 * 3600)
        let frame = try simulator.frame()
        #expect(frame.status.isDisjoint(with: .alarms))
        #expect(frame.energyInToday > frame.energyOutToday)
        #expect(extremes.low > Double(frame.minimumVoltage.rawValue) / 1000)
        #expect(extremes.high < Double(frame.maximumVoltage.rawValue) / 1000)
    }

    @Test("day: the day's counters start again at midnight")
    func midnight() throws {
        var simulator = Simulator(scenario: .day, cells: 2)
        var last = WattHours.zero
        let reset = try second(of: &simulator, within: 15 * 3600) { frame, _ in
            defer { last = frame.energyOutToday }
            return frame.energyOutToday < last
        }
        #expect(reset == 14 * 3600 + 1)
        #expect(last <= WattHours(1))
    }

    @Test("full: calibrates within the hour, and normal mode recharges below 95 %")
    func full() throws {
        var simulator = Simulator(scenario: .full)
        var first: Frame?
        let full = try second(of: &simulator, within: 3600) { frame, _ in
            first = first ?? frame
            return frame.soc == 100
        }
        #expect(first?.status.contains(.socUncalibrated) == true && first?.soc == 60)
        #expect(full != nil)
        let restart = try second(of: &simulator, within: 4 * 3600) { frame, _ in
            #expect(!frame.status.contains(.socUncalibrated))
            return frame.status.contains(.chargeAllowed)
        }
        #expect(restart != nil)
    }

    @Test(
        "full: only rev 6 and rev 13 wait for the current to fall below 5 %",
        arguments: zip(ManualRevision.allCases, [false, false, true, true]))
    func fullRate(revision: ManualRevision, waits: Bool) throws {
        var simulator = Simulator(scenario: .full, revision: revision)
        var rate = 0.0
        _ = try second(of: &simulator, within: 2 * 3600) { frame, now in
            guard frame.soc == 100 else { return false }
            let truth = now.truth
            rate = truth.batteryCurrent * truth.packVoltage / Double(frame.capacity.rawValue)
            return true
        }
        #expect((rate < 0.055) == waits)
    }

    @Test("frost: the BMS permits to charge cells below freezing for two hours, and without limits they are charged")
    func frost() throws {
        var simulator = Simulator(scenario: .frost)
        for _ in 0..<7_200 {
            _ = simulator.step()
            #expect(simulator.truth.cellTemperatures.allSatisfy { $0 < 0 } && simulator.truth.isChargeRelayClosed)
        }
        #expect(simulator.truth.batteryCurrent > 5)
        for _ in 0..<3_600 { _ = simulator.step() }
        #expect(simulator.truth.cellTemperatures.contains { $0 > 0 })
    }

    @Test("empty: the load relay opens at Vmin within the hour", arguments: Chemistry.allCases)
    func empty(chemistry: Chemistry) throws {
        var simulator = Simulator(scenario: .empty, chemistry: chemistry)
        let opened = try second(of: &simulator, within: 3600) { frame, _ in
            frame.status.contains(.cellTooLow) && !frame.status.contains(.dischargeAllowed)
        }
        #expect(opened != nil)
    }

    @Test(
        "empty: Vmin with the load relay open makes 0 %, on generation 3 alone",
        arguments: zip(ManualRevision.allCases, [false, true, true, true]))
    func emptyReset(revision: ManualRevision, resets: Bool) throws {
        var simulator = Simulator(scenario: .empty, chemistry: .nmc, revision: revision)
        var last = 0
        let jump = try second(of: &simulator, within: 9 * 3600) { frame, _ in
            defer { last = frame.soc }
            return frame.soc == 0 && last > 1
        }
        #expect((jump != nil) == resets)
    }

    @Test("empty: in the morning the sun closes the load relay again")
    func morning() throws {
        var simulator = Simulator(scenario: .empty, cells: 4)
        _ = try second(of: &simulator, within: 3600) { frame, _ in !frame.status.contains(.dischargeAllowed) }
        let back = try second(of: &simulator, within: 14 * 3600) { frame, _ in
            frame.status.contains(.dischargeAllowed) && frame.soc >= 5
        }
        #expect(back != nil)
        #expect((6 * 3600..<12 * 3600).contains(simulator.truth.timeOfDay))
    }

    @Test(
        "imbalanced: one cell reaches Vbalance early and is bypassed while the others are below",
        arguments: Chemistry.allCases)
    func imbalanced(chemistry: Chemistry) throws {
        var simulator = Simulator(scenario: .imbalanced, chemistry: chemistry)
        let bypass = try second(of: &simulator, within: 1800) { frame, now in
            frame.highestVoltageCell == 9 && frame.lowestVoltage < frame.balanceVoltage
                && now.truth.bypassedCells == [9]
        }
        #expect(bypass != nil)
    }

    @Test("cold: begins frozen with charging refused, warms up and charges; discharging by edition")
    func cold() throws {
        for revision in [ManualRevision.generation3Rev13, .generation3Rev6] {
            var simulator = Simulator(scenario: .cold, revision: revision)
            let first = try simulator.frame()
            #expect(simulator.truth.cellTemperatures.allSatisfy { $0 < -4 })
            #expect(simulator.truth.chargerCurrent == 0)
            #expect(first.status.contains(.tooCold) && !first.status.contains(.chargeAllowed))
            #expect(first.status.contains(.dischargeAllowed) == (revision == .generation3Rev13))
            let charging = try second(of: &simulator, within: 2 * 3600) { frame, _ in
                frame.current1 ?? .zero > Milliamperes(10_000)
            }
            #expect(charging != nil)
            #expect(simulator.truth.cellTemperatures.allSatisfy { $0 > 0 })
        }
    }

    @Test(
        "fault: every alarm bit shows within seven minutes, in every chemistry and size", arguments: Chemistry.allCases)
    func fault(chemistry: Chemistry) throws {
        for (cells, seed) in [(2, UInt64(1)), (16, 2), (100, 3)] {
            var simulator = Simulator(scenario: .fault, cells: cells, chemistry: chemistry, seed: seed)
            var seen: StatusFlags = []
            var second: SecondStatus = []
            for _ in 0..<420 {
                let frame = try simulator.frame()
                seen.formUnion(frame.status)
                second.formUnion(simulator.truth.secondStatus)
                if frame.status.contains(.noCellCommunication) {
                    #expect(frame.status.isDisjoint(with: .permissions))
                    #expect(frame.slotCell == 0)
                }
            }
            #expect(seen == StatusFlags(rawValue: 0xFF))
            #expect(
                second == [
                    .earlyWarning, .tooColdToCharge, .tooColdToDischarge, .chargeRelayClosed, .loadRelayClosed,
                ])
        }
    }

    @Test("fault: a frame without cell communication repeats the last readings")
    func staleReadings() throws {
        var simulator = Simulator(scenario: .fault)
        var last: Frame?
        _ = try second(of: &simulator, within: 420) { frame, _ in
            if frame.status.contains(.noCellCommunication) { return true }
            last = frame
            return false
        }
        let frame = try simulator.frame()
        #expect(frame.packVoltage == last?.packVoltage && frame.current == last?.current)
        #expect(frame.lowestVoltage == last?.lowestVoltage && frame.highestTemperature == last?.highestTemperature)
    }

    @Test("silence: gaps of 5, 20 and 90 s, with a minute of frames before each")
    func silence() {
        var simulator = Simulator(scenario: .silence)
        var runs: [Int] = []
        var wasSilent: Bool?
        for _ in 0..<295 {
            let isSilent = simulator.step() == nil
            if isSilent == wasSilent { runs[runs.count - 1] += 1 } else { runs.append(1) }
            wasSilent = isSilent
        }
        #expect(runs == [60, 5, 60, 20, 60, 90])
    }

    @Test("The same seed gives the same bytes, another seed others", arguments: Scenario.allCases)
    func determinism(scenario: Scenario) {
        func bytes(_ seed: UInt64) -> [[UInt8]?] {
            var simulator = Simulator(scenario: scenario, seed: seed)
            return (0..<400).map { _ in simulator.step(limits: GivenLimits(ccl: Milliamperes(20_000))) }
        }
        let first = bytes(1)
        #expect(first == bytes(1))
        #expect(first != bytes(2))
    }
}

extension Simulator {
    /// The next frame; throws if the scenario is silent.
    fileprivate mutating func frame() throws -> Frame {
        let sent = step()
        let bytes = try #require(sent)
        return try #require(FrameDecoder.decode(bytes))
    }
}
