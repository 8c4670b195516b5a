import BMSCore
import SmartBMS
import PackSimulator
import TestSupport
import TestThreads
import Testing

/// Packs, chargers and cables that the calculator was not tuned for, in a closed loop: other sizes, chemistries and imbalances, chargers
/// that ignore CCL, limits that arrive late, frames that get lost.
@Suite("Closed loop", .calculates)
struct ClosedLoopTests {
    private struct Setting: CustomStringConvertible {
        var scenario: Scenario
        var chemistry: CellModel.Chemistry
        var cells: Int
        var capacity: WattHours
        var behaviour = PowerBehaviour()
        var lossPercent: Int
        var lag: Int

        init(_ random: inout SeededRandom) {
            scenario = [.full, .imbalanced, .day][Int.random(in: 0...2, using: &random)]
            chemistry = [.lfp, .lfp, .nmc, .lto][Int.random(in: 0...3, using: &random)]
            cells = Int.random(in: 8...32, using: &random)
            let ampereHours = [50, 100, 280, 600][Int.random(in: 0...3, using: &random)]
            capacity = WattHours(cells * ampereHours * (chemistry == .lto ? 23 : chemistry == .nmc ? 37 : 33) / 10)
            behaviour.obeysCurrent = !random.oneIn(3)
            lossPercent = [0, 0, 5, 30][Int.random(in: 0...3, using: &random)]
            lag = Int.random(in: 0...3, using: &random)
        }

        var description: String {
            "\(scenario) \(chemistry) \(cells) cells \(capacity) obeys CCL \(behaviour.obeysCurrent) "
                + "loses \(lossPercent) % lag \(lag) s"
        }
    }

    @Test(
        "No relay opens for protection, no cell passes its cap, no limit oscillates, and none is ever missing",
        arguments: RandomCases.seeds(1...10))
    func loop(seed: UInt64) throws {
        var random = SeededRandom(seed)
        let setting = Setting(&random)
        let simulator = Simulator(
            scenario: setting.scenario, cells: setting.cells, chemistry: setting.chemistry, capacity: setting.capacity,
            mode: .critical, behaviour: setting.behaviour, seed: seed)
        var loop = PowerLoop(simulator, cells: setting.cells, seed: seed)
        loop.lossPercent = setting.lossPercent
        loop.lag = setting.lag
        loop.run(5_400)
        #expect(loop.trips.isEmpty, "seed \(seed), \(setting)")
        #expect(loop.secondsWithout == 0, "seed \(seed), \(setting)")
        #expect(loop.secondsOver == 0, "seed \(seed), \(setting)")
        #expect(loop.turnsPerHour <= 4, "seed \(seed), \(setting): \(loop.turns)")
    }
}
