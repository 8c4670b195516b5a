import BMSCore
import SmartBMS
import TestSupport
import Testing

@testable import ChargeLimits

@Suite("Marginal shares, sensors and the end of discharge in a bank")
struct BankShareTests {
    /// Currents of two packs of resistances 1 and `ratio` under a load, with their exchange at rest.
    private static func divide(_ load: Double, ratio: Double, exchange: Double) -> [Double?] {
        let first = ratio / (1 + ratio)
        return [-load * first - exchange, -load * (1 - first) + exchange]
    }

    @Test(
        "with any exchange between packs the bank allows no more than fits their limits, and at least 85 % of it"
    )
    func anyExchange() {
        var random = SeededRandom(11)
        for _ in 0..<12 {
            let ratio = Double.random(in: 0.4...2.5, using: &random)
            let exchange = Double.random(in: -15...15, using: &random)
            var bench = BankBench(2)
            bench.run(20, Self.divide(0, ratio: ratio, exchange: exchange))
            bench.run(40, Self.divide(60, ratio: ratio, exchange: exchange))
            let first = ratio / (1 + ratio)
            let fits = min((100 - exchange) / first, (100 + exchange) / (1 - first))
            let allowed = Double(bench.amperes[1])
            #expect(allowed <= min(200, fits) * 1.03 + 1, "\(ratio) \(exchange): \(allowed) of \(fits)")
            #expect(allowed >= min(200, fits) * 0.85, "\(ratio) \(exchange): \(allowed) of \(fits)")
        }
    }

    @Test("a correction is at most the excess over the larger of the measured share and the share by capacity")
    func correction() {
        var random = SeededRandom(12)
        for _ in 0..<12 {
            let ratio = Double.random(in: 0.2...5, using: &random)
            var bench = BankBench(2)
            bench.run(20, [0, 0])
            bench.run(40, Self.divide(50, ratio: ratio, exchange: 0))
            let excess = Double.random(in: 10...40, using: &random)
            let share = max(Double(bench.bank.shares(0).discharge ?? 0) / 1000, 0.5)
            let other = Double.random(in: 20...60, using: &random)
            let before = Double(bench.amperes[1])
            bench.run(1, [-100 - excess, -other])
            let expected = max(3, 100 + excess + other - excess / share)
            #expect(
                abs(Double(bench.amperes[1]) - min(before, expected)) <= 2, "\(bench.amperes[1]) for \(expected)")
            #expect(expected > before - 1 || bench.limits?.reason(.dcl).hasPrefix("a carried") == true)
        }
    }

    @Test("a share learned while charging is valid for discharging")
    func bothDirections() {
        var bench = BankBench(2)
        bench.run(10, [0, 0])
        bench.run(20, [30, 10])
        bench.run(20, [0, 0])
        #expect(abs((bench.bank.shares(0).discharge ?? 0) - 750) <= 20)
        #expect(bench.amperes[1] <= 135)
    }

    @Test("a pack above its own limit is seen by its own sensor, even if another pack has none")
    func blind() {
        var bench = BankBench(2)
        var load = 0.0
        var over = 0
        // Loads follow the limits two seconds later, and the first pack carries five sixths of them.
        var queue = [0.0, 0.0, 0.0]
        for second in 0..<400 {
            load = queue.removeFirst()
            bench.run(1, [-load * 5 / 6, -load / 6]) { index, frame in
                guard index == 1 else { return }
                frame.current = nil
                frame.current1 = nil
            }
            queue.append(second < 10 ? 0 : Double(bench.amperes[1]))
            if load * 5 / 6 > 105 { over += 1 }
        }
        #expect(over <= 5)
        #expect((110...121).contains(bench.amperes[1]), "\(bench.amperes[1])")
        // Five sixths are measured; the other pack has no sensor.
        #expect((820...840).contains(bench.bank.shares(0).discharge ?? 0))
    }

    /// Frames with a cell near Vmin that takes a pack's limit to its floor, and then holds the pack empty.
    private static func low(_ volts: Int, _ pack: Int) -> (Int, inout Frame) -> Void {
        { index, frame in if index == pack { frame.setCells(low: volts, high: volts + 20) } }
    }

    @Test(
        "near empty a bank allows 3 A until a pack is latched empty; then it allows nothing, and the reason names the pack"
    )
    func empty() {
        var bench = BankBench(2)
        bench.run(10, [0, 0])
        bench.run(30, [-20, -20])
        // The second pack gives all of its allowed current to the first.
        let near = bench.run(60, [6, -9], Self.low(2_950, 1))
        #expect((bench.packs[1].limits?.dcl ?? .zero) < Milliamperes(9_000))
        #expect(near.last?.dcl == Milliamperes(3_000))
        #expect(near.allSatisfy { $0.dcl >= Milliamperes(3_000) })
        #expect(bench.limits?.reason(.dcl).hasPrefix("b leaves less than 3.0 A") == true)
        bench.run(120, [0, 0], Self.low(2_905, 1))
        #expect(bench.packs[1].limits?.isZero(.dcl, by: .empty) == true)
        #expect(bench.limits?.dcl == .zero)
        #expect(bench.limits?.reason(.dcl).hasPrefix("b is empty, and a bank cannot take one pack off") == true)
    }

    @Test("an owner's cap and an alarm lower DCL below 3 A")
    func belowFloor() {
        var capped = BankBench(2)
        capped.packs = capped.packs.map { _ in Bench { $0.maximumDischargeCurrent = Milliamperes(1_000) } }
        capped.run(30, [0, 0])
        #expect((capped.limits?.dcl ?? .zero) <= Milliamperes(2_000))
        var alarmed = BankBench(2)
        alarmed.run(30, [0, 0])
        alarmed.run(1, [0, 0]) { index, frame in if index == 1 { frame.status.insert(.cellTooLow) } }
        #expect(alarmed.limits?.dcl == .zero)
    }

    @Test("a bound that rises and falls again and again changes direction less and less often")
    func gate() {
        var gate = RiseGate()
        var turns = 0
        var last = 60.0
        var rises = true
        for second in 0..<7_200 {
            let goal = second / 20 % 2 == 0 ? 60_000.0 : 45_000
            let value = gate.pass(goal, much: 20_000, wait: 60_000, at: .seconds(Double(second))) / 1000
            if abs(value - last) >= 2 {
                if (value > last) != rises { turns += 1 }
                (rises, last) = (value > last, value)
            }
        }
        #expect(turns <= 1)
        // A bound that is slower than the first wait changes direction twice an hour, except at the beginning.
        gate = RiseGate()
        turns = 0
        for second in 0..<14_400 {
            let goal = second / 300 % 2 == 0 ? 60_000.0 : 45_000
            let value = gate.pass(goal, much: 20_000, wait: 60_000, at: .seconds(Double(second))) / 1000
            if abs(value - last) >= 2 {
                if (value > last) != rises { turns += 1 }
                (rises, last) = (value > last, value)
            }
        }
        #expect(turns <= 12)
        // A bound that more than doubles is another case, and waits ten seconds.
        for second in 0..<12 {
            _ = gate.pass(200_000, much: 20_000, wait: 60_000, at: .seconds(Double(14_400 + second)))
        }
        #expect(gate.pass(200_000, much: 20_000, wait: 60_000, at: .seconds(14_413)) == 200_000)
    }

    @Test("no input takes a share out of its range")
    func hostileSteps() {
        var random = SeededRandom(13)
        var estimator = ShareEstimator(count: 3)
        for _ in 0..<RandomCases.count(5_000) {
            estimator.note(
                capacities: (0..<3).map { _ in Double.random(in: -1...1e9, using: &random).rounded() },
                conductances: nil)
            _ = estimator.learn(
                (0..<3).map { ($0, Double.random(in: -2e6...2e6, using: &random)) },
                least: Double.random(in: 0...1e5, using: &random), weight: Double.random(in: 0...1, using: &random))
            let shares = (0..<3).map { estimator.measured($0, among: [0, 1, 2]) }
            #expect(shares.allSatisfy { $0 > 0 && $0 < 1 })
            #expect(abs(shares.reduce(0, +) - 1) < 1e-9)
            #expect((0..<3).allSatisfy { (0...1).contains(estimator.share(of: $0, among: [0, 2])) || $0 == 1 })
        }
    }
}
