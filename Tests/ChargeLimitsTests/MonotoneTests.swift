@testable import ChargeLimits

import BMSCore
import SmartBMS
import Testing
import TestSupport

/// Each constraint is brought into a random state, and then evaluated twice from that state.
@Suite("Constraints are monotone")
struct MonotoneTests {
    private static let chemistries: [Chemistry?] = [.lfp, .nmc, .nca, .lto, nil]

    private func randomInput(
        _ chemistry: Chemistry?, using random: inout SeededRandom, _ change: (inout Measurements) -> Void = { _ in }
    ) -> LimitInput {
        let nominal = chemistry?.nominalVoltage.rawValue ?? 3300
        let base = input(chemistry: chemistry)
        var result = input(
            {
                $0.minimumVoltage = Millivolts(nominal - 300)
                $0.balanceVoltage = Millivolts(nominal + 150)
                $0.maximumVoltage = Millivolts(nominal + 350)
                let low = Int.random(in: nominal - 400...nominal + 300, using: &random)
                $0.setCells(low: low, high: low + Int.random(in: 0...120, using: &random))
                $0.current = Milliamperes(Int.random(in: -150_000...100_000, using: &random))
                $0.capacity = WattHours(random.oneIn(4) ? 100 : base.settings.capacity.rawValue)
            }, chemistry: chemistry, elapsed: Double(Int.random(in: 0...5, using: &random)))
        change(&result.measured)
        result.refresh()
        return result
    }

    private func shuffled<Rule: LimitRule>(
        _ rule: Rule, _ chemistry: Chemistry?, using random: inout SeededRandom
    ) -> Rule {
        var rule = rule
        for _ in 0..<Int.random(in: 0...60, using: &random) {
            _ = rule.evaluate(randomInput(chemistry, using: &random))
        }
        return rule
    }

    @Test("A higher highest cell never raises a bound", arguments: chemistries)
    func highest(chemistry: Chemistry?) {
        var random = SeededRandom(11)
        for round in 0..<12 {
            let cell = shuffled(HighestCell(), chemistry, using: &random)
            let cut = shuffled(HardCellCut(), chemistry, using: &random)
            var input = randomInput(chemistry, using: &random)
            var last: [Int] = []
            for high in stride(from: 1500, through: 5000, by: 5) {
                input.measured.highestVoltage = Millivolts(high)
                input.refresh()
                var cell = cell
                var cut = cut
                let values = cell.evaluate(input) + cut.evaluate(input)
                let now = [
                    ("ccl", "highestCell"), ("cvl", "highestCell"), ("ccl", "hardCellCut"), ("cvl", "hardCellCut"),
                ]
                .map { row in values.first { ($0.limit.rawValue, $0.name.rawValue) == row }?.value ?? .max }
                if !last.isEmpty {
                    #expect(zip(now, last).allSatisfy { $0 <= $1 }, "round \(round), \(high) mV: \(last) -> \(now)")
                }
                last = now
            }
        }
    }

    @Test("A lower lowest cell never raises DCL", arguments: chemistries)
    func lowest(chemistry: Chemistry?) {
        var random = SeededRandom(12)
        for round in 0..<12 {
            let rule = shuffled(LowestCell(), chemistry, using: &random)
            var input = randomInput(chemistry, using: &random)
            var last = Int.max
            for low in stride(from: 5000, through: 1000, by: -5) {
                var copy = rule
                input.measured.lowestVoltage = Millivolts(low)
                let now = copy.value(.dcl, input)
                #expect(now <= last, "round \(round), \(low) mV: \(last) -> \(now)")
                last = now
            }
        }
    }
}
