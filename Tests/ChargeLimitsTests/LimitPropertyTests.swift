@testable import ChargeLimits

import BMSCore
import Testing
import TestSupport

/// A random life of a pack: walks of voltage, current and temperature, status flicker, damaged frames, silences.
struct RandomHistory {
    enum Event {
        case frame([UInt8])
        case silence
    }

    private var random: SeededRandom
    private var frame = FrameFixture.frame()
    private var silentSteps = 0
    private(set) var second = 0.0

    init(_ seed: UInt64) { random = SeededRandom(seed) }

    mutating func next() -> Event {
        second += random.oneIn(10) ? 1.5 : 1
        if silentSteps > 0 {
            silentSteps -= 1
            return .silence
        }
        if random.oneIn(60) { silentSteps = Int.random(in: 1...(random.oneIn(3) ? 80 : 14), using: &random) }
        walk()
        var bytes = FrameEncoder.encode(frame)
        if random.oneIn(12) {
            bytes[Int.random(in: 0..<57, using: &random)] = UInt8.random(in: 0...255, using: &random)
            if random.oneIn(2) { bytes = FrameFixture.withSum(bytes) }
        }
        return .frame(bytes)
    }

    private mutating func walk() {
        let low = min(max(frame.lowestVoltage.rawValue + 5 * Int.random(in: -8...8, using: &random), 2800), 3640)
        let spread = min(max(frame.highestVoltage.rawValue - frame.lowestVoltage.rawValue, 0), 150)
        let high = min(low + max(0, spread + 5 * Int.random(in: -2...2, using: &random)), 3700)
        frame.setCells(low: low, high: high)
        frame.current = Milliamperes(125 * Int.random(in: -1200...1200, using: &random))
        let coldest = min(max(frame.lowestTemperature.count + Int.random(in: -2...2, using: &random), 240), 340)
        frame.lowestTemperature = RawTemperature(coldest)
        frame.highestTemperature = RawTemperature(coldest + Int.random(in: 0...5, using: &random))
        frame.keyByte = UInt8(25 + Int.random(in: 0..<19, using: &random))
        frame.keyValue = UInt8.random(in: 0...255, using: &random)
        if random.oneIn(25) {
            frame.status = StatusFlags(rawValue: UInt8.random(in: 0...255, using: &random))
        } else if random.oneIn(3) {
            frame.status = [.chargeAllowed, .dischargeAllowed]
        }
    }
}

@Suite("Guarantees on random histories")
struct LimitPropertyTests {
    private static let cap = Milliamperes(123_000)

    /// One step of a history, seen from outside.
    private struct Step {
        var limits: Limits
        var snapshot: PackSnapshot
        /// Seconds since the step before.
        var elapsed: Double
        /// The step brought a frame that was believed, in whole or for its status.
        var hasFrame: Bool
        var age: Int64
    }

    private func history(_ seed: UInt64, steps: Int) -> [Step] {
        var history = RandomHistory(seed)
        var bench = Bench {
            $0.maximumChargeCurrent = Self.cap
            $0.maximumDischargeCurrent = Self.cap
        }
        var result: [Step] = []
        var last = 0.0
        for _ in 0..<steps {
            let event = history.next()
            let before = bench.receiver.counters.framesAccepted
            switch event {
            case .frame(let bytes): bench.feed(bytes, at: .seconds(history.second))
            case .silence: bench.wait(at: history.second)
            }
            if let limits = bench.limits {
                let snapshot = bench.receiver.snapshot
                result.append(
                    Step(
                        limits: limits, snapshot: snapshot, elapsed: history.second - last,
                        hasFrame: snapshot.counters.framesAccepted > before,
                        age: snapshot.age(at: .seconds(history.second)) ?? .max))
            }
            last = history.second
        }
        return result
    }

    private func pairs(_ seed: UInt64) -> Zip2Sequence<[Step], ArraySlice<Step>> {
        let steps = history(seed, steps: 1_500)
        return zip(steps, steps.dropFirst())
    }

    @Test("No limit rises without a good frame or on data older than 3 s", arguments: [1, 2, 3] as [UInt64])
    func noRise(seed: UInt64) {
        for (index, (old, new)) in pairs(seed).enumerated() where !new.hasFrame || new.age > 3_000 {
            #expect(zip(new.limits.numbers, old.limits.numbers).allSatisfy { $0 <= $1 }, "seed \(seed), step \(index)")
        }
    }

    @Test("No limit rises faster than its slew", arguments: [1, 2, 3] as [UInt64])
    func slew(seed: UInt64) {
        for (index, (old, new)) in pairs(seed).enumerated() {
            let capacity = Double(new.snapshot.capacity?.rawValue ?? 0)
            let cells = Double(new.snapshot.settings?.cellCount ?? 0)
            let largest = [
                1.25 * cells * new.elapsed + 10, 0.01 * capacity * new.elapsed + 500,
                0.02 * capacity * new.elapsed + 500,
            ]
            for kind in 0..<3 {
                let rise = Double(new.limits.numbers[kind] - old.limits.numbers[kind])
                #expect(rise <= largest[kind], "seed \(seed), step \(index), limit \(kind)")
            }
        }
    }

    @Test("Limits are never negative, and never above a constraint or a cap", arguments: [1, 2, 3] as [UInt64])
    func bounds(seed: UInt64) throws {
        for (index, step) in history(seed, steps: 1_500).enumerated() {
            let settings = try #require(step.snapshot.settings)
            let floor = (settings.minimumVoltage * 7 + settings.balanceVoltage * 3).rawValue * settings.cellCount / 10
            for constraint in step.limits.constraints {
                let bound = constraint.limit == .cvl ? max(constraint.value, floor) : constraint.value
                #expect(step.limits.value(constraint.limit) <= bound, "seed \(seed), step \(index), \(constraint.name)")
            }
            #expect(step.limits.ccl >= .zero && step.limits.ccl <= Self.cap, "seed \(seed), step \(index)")
            #expect(step.limits.dcl >= .zero && step.limits.dcl <= Self.cap, "seed \(seed), step \(index)")
            // The published voltage lies on a grid of 10 mV.
            #expect(step.limits.cvl.rawValue > floor - 10, "seed \(seed), step \(index)")
            let target = (settings.balanceVoltage + Millivolts(30)) * settings.cellCount
            #expect(step.limits.cvl <= target, "seed \(seed), step \(index)")
        }
    }

    @Test("A limit of 0 is published in the step in which its cause arrives", arguments: [1, 2, 3] as [UInt64])
    func zero(seed: UInt64) {
        var zeros = 0
        for (index, step) in history(seed, steps: 1_500).enumerated() {
            for constraint in step.limits.constraints where constraint.value == 0 {
                zeros += 1
                #expect(step.limits.value(constraint.limit) == 0, "seed \(seed), step \(index), \(constraint.name)")
            }
            let status = step.snapshot.newestStatus
            if step.hasFrame && !status.contains(.chargeAllowed) {
                #expect(step.limits.ccl == .zero, "seed \(seed), step \(index)")
            }
            if step.hasFrame && !status.contains(.dischargeAllowed) {
                #expect(step.limits.dcl == .zero, "seed \(seed), step \(index)")
            }
        }
        #expect(zeros > 100)
    }

    @Test("The same input gives the same output", arguments: [4, 5] as [UInt64])
    func deterministic(seed: UInt64) {
        let first = history(seed, steps: 600).map(\.limits)
        #expect(first.count > 550)
        #expect(first == history(seed, steps: 600).map(\.limits), "seed \(seed)")
    }

    @Test("Each reason is a sentence whose numbers have units", arguments: [6, 7, 8] as [UInt64])
    func reasons(seed: UInt64) {
        let units: Set<Substring> = ["V", "A", "Ah", "C", "mV", "%", "°C", "s"]
        var sentences: Set<String> = []
        for step in history(seed, steps: 1_500) {
            sentences.formUnion(LimitKind.allCases.map(step.limits.reason))
            sentences.formUnion(step.limits.constraints.map(\.reason))
        }
        #expect(sentences.count > 100)
        for sentence in sentences {
            let words = sentence.split { " :,()".contains($0) }
            #expect(words.count >= 3, "seed \(seed): \(sentence)")
            let isNumbered = sentence.contains { $0.isNumber }
            #expect(!isNumbered || words.contains { units.contains($0) }, "seed \(seed): \(sentence)")
            #expect(
                !words.contains { ["nan", "-nan", "inf", "-inf"].contains($0.lowercased()) },
                "seed \(seed): \(sentence)")
            #expect(!words.contains { $0.hasPrefix("-") && Double($0) == 0 }, "seed \(seed): \(sentence)")
        }
    }
}
