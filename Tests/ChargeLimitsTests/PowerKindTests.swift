import BMSCore
import SmartBMS
import PackSimulator
import TestSupport
import TestThreads
import Testing

/// Chargers above CVL, chargers that obey one limit alone or late, inverters that know DCL 0 alone, and bridges that are killed; each on
/// several packs that the calculator was not tuned for.
@Suite("Closed loop: power electronics that do not obey", .calculates)
struct PowerKindTests {
    private static let seeds = RandomCases.seeds(21...23)

    private func behaviour(_ change: (inout PowerBehaviour) -> Void) -> PowerBehaviour {
        var behaviour = PowerBehaviour()
        change(&behaviour)
        return behaviour
    }

    @Test(
        "A frozen pack takes no charge from chargers above CVL, with and without an inverter that exports",
        arguments: seeds)
    func feedIn(seed: UInt64) {
        var random = SeededRandom(seed)
        let ampereHours = [50, 100, 280][Int.random(in: 0...2, using: &random)]
        let exports = seed % 2 == 0
        let simulator = Simulator(
            scenario: .frost, capacity: WattHours(ampereHours * 52), mode: .critical,
            behaviour: behaviour {
                $0.voltageOffset = Millivolts(Int.random(in: 100...400, using: &random))
                $0.obeysCurrent = false
                $0.exports = exports
            }, seed: seed)
        var loop = PowerLoop(simulator, seed: seed)
        // The room is cold for two hours, and the second one counts.
        loop.run(3_600)
        let most = (exports ? 0.03 : 0.01) * Double(ampereHours)
        #expect(loop.charged <= most, "seed \(seed): \(loop.charged) Ah of \(ampereHours)")
        // The house takes 1 % of C in an hour.
        #expect(
            loop.discharged <= most + 0.01 * Double(ampereHours),
            "seed \(seed): \(loop.discharged) Ah of \(ampereHours)")
        #expect(loop.trips.isEmpty, "seed \(seed): \(loop.trips)")
    }

    @Test("An inverter that knows DCL 0 alone is stopped before the load relay opens, twice at most", arguments: seeds)
    func offGrid(seed: UInt64) {
        var random = SeededRandom(seed)
        let chemistry: Chemistry = [.lfp, .lfp, .nmc][Int.random(in: 0...2, using: &random)]
        let cells = [8, 14, 16][Int.random(in: 0...2, using: &random)]
        let simulator = Simulator(
            scenario: .empty, cells: cells, chemistry: chemistry, mode: .critical,
            behaviour: behaviour { $0.discharge = .zeroOnly }, seed: seed)
        var loop = PowerLoop(simulator, cells: cells, chemistry: chemistry, seed: seed)
        var stoppedAt: Int?
        // The loop runs until ten minutes after the stop: a standby load goes on past the relay, and no limit reaches it.
        while loop.second < 3 * 3600, loop.second < (stoppedAt ?? 3 * 3600) + 600 {
            loop.run(1)
            if loop.stops > 0, stoppedAt == nil { stoppedAt = loop.second }
        }
        #expect(stoppedAt != nil, "seed \(seed): never empty")
        #expect(loop.stops <= 2, "seed \(seed): \(loop.stops) stops")
        #expect(loop.trips.isEmpty, "seed \(seed): \(loop.trips), stopped at \(stoppedAt ?? 0) s")
    }

    struct Charger: CustomTestStringConvertible, Sendable {
        var testDescription: String
        /// Seconds above Vbalance + 50 mV at most.
        var secondsOver: Int
        var change: @Sendable (inout PowerBehaviour) -> Void
    }

    static let chargers = [
        Charger(testDescription: "obeys CCL alone", secondsOver: 120) {
            $0.obeysVoltage = false
            $0.voltageOffset = Millivolts(3_000)
        },
        Charger(testDescription: "obeys CCL 45 s late, so CVL keeps the cells", secondsOver: 60) {
            $0.currentDelay = 45
        },
        Charger(testDescription: "obeys CVL alone", secondsOver: 60) {
            $0.obeysCurrent = false
            $0.voltageOffset = Millivolts(200)
        },
    ]

    @Test("The highest cell is kept in range, whatever limits the charger obeys", arguments: chargers, seeds)
    func highestCell(charger: Charger, seed: UInt64) {
        let simulator = Simulator(
            scenario: .imbalanced, mode: .critical, behaviour: behaviour(charger.change), seed: seed)
        var loop = PowerLoop(simulator, seed: seed)
        loop.run(3_600)
        #expect(loop.trips.isEmpty, "seed \(seed): \(loop.trips)")
        #expect(loop.secondsOver <= charger.secondsOver, "seed \(seed): \(loop.secondsOver) s")
        #expect(loop.turnsPerHour <= 6, "seed \(seed): \(loop.turns)")
    }

    @Test(
        "A bridge that is killed each minute trips no relay that a running one does not, and no limit oscillates",
        arguments: [Scenario.imbalanced, .full, .empty, .frost], [31] as [UInt64])
    func restarts(scenario: Scenario, seed: UInt64) {
        let simulator = Simulator(scenario: scenario, mode: .critical, seed: seed)
        var running = PowerLoop(simulator, seed: seed)
        running.run(2_400)
        var killed = PowerLoop(simulator, seed: seed)
        killed.restartEvery = 60
        killed.run(2_400)
        // The standby load of an empty pack goes on past the relay.
        #expect(
            (killed.trips.first ?? .max) >= (running.trips.first ?? .max) - 60,
            "\(scenario), seed \(seed): \(killed.trips)")
        #expect(killed.secondsOver <= 60, "\(scenario), seed \(seed): \(killed.secondsOver) s")
        #expect(killed.turnsPerHour <= 12, "\(scenario), seed \(seed): \(killed.turns)")
    }
}
