@testable import ChargeLimits

import BMSCore
import PackSimulator
import TestSupport
import Testing

/// Packs, chargers and cables that the calculator was not tuned on, in a closed loop: other sizes, chemistries and
/// imbalances, chargers that ignore CCL, limits that arrive late, frames that get lost.
@Suite("Closed loop")
struct ClosedLoopTests {
    /// Counts changes of direction larger than a dead band.
    private struct Turns {
        let deadBand: Int
        private(set) var count = 0
        private var base: Int?
        private var direction = 0

        init(deadBand: Int) { self.deadBand = deadBand }

        mutating func note(_ value: Int) {
            guard let old = base else {
                base = value
                return
            }
            guard abs(value - old) >= deadBand else { return }
            let now = value > old ? 1 : -1
            if direction != 0 && now != direction { count += 1 }
            direction = now
            base = value
        }
    }

    private struct Setting: CustomStringConvertible {
        var scenario: Scenario
        var chemistry: CellModel.Chemistry
        var cells: Int
        var capacity: WattHours
        var ignoresCurrent: Bool
        var lossPercent: Int
        var lag: Int

        init(_ random: inout SeededRandom) {
            scenario = [.full, .imbalanced, .day][Int.random(in: 0...2, using: &random)]
            chemistry = [.lfp, .lfp, .nmc, .lto][Int.random(in: 0...3, using: &random)]
            cells = Int.random(in: 8...32, using: &random)
            let ampereHours = [50, 100, 280, 600][Int.random(in: 0...3, using: &random)]
            capacity = WattHours(cells * ampereHours * (chemistry == .lto ? 23 : chemistry == .nmc ? 37 : 33) / 10)
            ignoresCurrent = random.oneIn(3)
            lossPercent = [0, 0, 5, 30][Int.random(in: 0...3, using: &random)]
            lag = Int.random(in: 0...3, using: &random)
        }

        var description: String {
            "\(scenario) \(chemistry) \(cells) cells \(capacity) ignores CCL \(ignoresCurrent) "
                + "loses \(lossPercent) % lag \(lag) s"
        }
    }

    @Test(
        "No relay opens for protection, no cell passes its cap, no limit hunts, none is ever missing",
        arguments: 1...10 as ClosedRange<UInt64>)
    func loop(seed: UInt64) throws {
        var random = SeededRandom(seed)
        let setting = Setting(&random)
        var simulator = Simulator(
            scenario: setting.scenario, cells: setting.cells, chemistry: setting.chemistry, capacity: setting.capacity,
            mode: .critical, seed: seed)
        var bench = Bench()
        var late: [GivenLimits] = Array(repeating: GivenLimits(ccl: .zero, dcl: .zero), count: setting.lag + 1)
        var turns = [Turns(deadBand: 20 * setting.cells / 16), Turns(deadBand: 500), Turns(deadBand: 500)]
        var highest = 0.0
        let seconds = 5_400
        for second in 0..<seconds {
            let frame = simulator.step(limits: late.removeFirst())
            if let frame, Int.random(in: 0..<100, using: &random) >= setting.lossPercent {
                bench.feed(frame, at: .seconds(Double(second)))
            } else {
                bench.wait(at: Double(second))
            }
            let limits = bench.limits
            late.append(
                GivenLimits(
                    cvl: limits?.cvl, ccl: setting.ignoresCurrent ? nil : limits?.ccl ?? .zero,
                    dcl: limits?.dcl ?? .zero))
            let truth = simulator.truth
            highest = max(highest, truth.cellVoltages.max() ?? 0)
            guard let limits else {
                #expect(second < 120, "seed \(seed), \(setting): no limits at \(second) s")
                continue
            }
            for (index, number) in limits.numbers.enumerated() { turns[index].note(number) }
            if !truth.isChargeRelayClosed || !truth.isLoadRelayClosed {
                Issue.record("seed \(seed), \(setting): a relay opened at \(second) s")
                return
            }
        }
        let settings = try #require(bench.receiver.snapshot.settings)
        let cap = Double(settings.balanceVoltage.rawValue + 55) / 1000
        #expect(highest <= cap, "seed \(seed), \(setting): \(highest) V")
        #expect(turns.allSatisfy { $0.count <= 4 * seconds / 3600 + 1 }, "seed \(seed), \(setting): \(turns)")
    }
}
