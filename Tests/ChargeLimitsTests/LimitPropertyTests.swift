@testable import ChargeLimits

import BMSCore
import SmartBMS
import Testing
import TestSupport
import TestThreads

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

@Suite("Guarantees for random histories", .calculates)
struct LimitPropertyTests {
    private static let cap = Milliamperes(123_000)

    /// One step of a history, seen from outside.
    private struct Step {
        var limits: Limits
        var snapshot: PackSnapshot
        /// Seconds since the step before.
        var elapsed: Double
        /// The step had a frame that was used, in full or for its status.
        var hasFrame: Bool
        var age: Int64
    }

    /// Runs a history and reports the first steps that break a rule.
    ///
    /// - Parameter violation: the fault of a step, after the one before; `nil`: none.
    @discardableResult
    private func walk(
        _ seed: UInt64, steps: Int = RandomCases.count(10_000), _ violation: (_ old: Step?, _ new: Step) -> String?
    ) -> [Limits] {
        var history = RandomHistory(seed)
        var bench = Bench {
            $0.maximumChargeCurrent = Self.cap
            $0.maximumDischargeCurrent = Self.cap
        }
        var old: Step?
        var lastSecond = 0.0
        var result: [Limits] = []
        var violations = 0
        for index in 0..<steps {
            let event = history.next()
            let before = bench.receiver.counters.framesAccepted
            switch event {
            case .frame(let bytes): bench.feed(bytes, at: .seconds(history.second))
            case .silence: bench.wait(at: history.second)
            }
            if let limits = bench.limits {
                let snapshot = bench.receiver.snapshot
                let new = Step(
                    limits: limits, snapshot: snapshot, elapsed: history.second - lastSecond,
                    hasFrame: snapshot.counters.framesAccepted > before,
                    age: snapshot.age(at: .seconds(history.second)) ?? .max)
                if violations < 5, let text = violation(old, new) {
                    violations += 1
                    Issue.record("seed \(seed), step \(index): \(text)")
                }
                old = new
                if steps <= 1000 { result.append(limits) }
            } else if old != nil {
                Issue.record("seed \(seed), step \(index): no limits after there were some")
            }
            lastSecond = history.second
        }
        return result
    }

    private static let seeds: [UInt64] = [1, 2, 3]

    @Test("No limit rises without a good frame or on data older than 3 s", arguments: seeds)
    func noRise(seed: UInt64) {
        walk(seed) { old, new in
            guard let old, !new.hasFrame || new.age > 3_000 else { return nil }
            let isRise = zip(new.limits.numbers, old.limits.numbers).contains { $0 > $1 }
            return isRise ? "\(old.limits.numbers) -> \(new.limits.numbers)" : nil
        }
    }

    @Test(
        "No limit rises faster than its slew, except back to its value before a short permission or alarm bit",
        arguments: seeds)
    func slew(seed: UInt64) {
        var recent: [[Int]] = []
        walk(seed) { old, new in
            recent = recent.suffix(8) + [new.limits.numbers]
            let highest = (0..<3).map { index in recent.dropLast().map { $0[index] }.max() ?? 0 }
            guard let old, old.snapshot.settings?.cellCount == new.snapshot.settings?.cellCount else { return nil }
            let capacity = Double(new.snapshot.capacity?.rawValue ?? 0)
            let cells = Double(new.snapshot.settings?.cellCount ?? 0)
            // A rise may use the slew of the elapsed time; grids round up once.
            let largest = [
                max(10, 1.25 * cells * new.elapsed), max(500, 0.01 * capacity * new.elapsed),
                max(500, 0.02 * capacity * new.elapsed),
            ]
            let rises = (0..<3).map { index in
                let number = new.limits.numbers[index]
                return Double(number - max(old.limits.numbers[index], highest[index]))
            }
            return zip(rises, largest).contains { $0 > $1 } ? "rises \(rises), allowed \(largest)" : nil
        }
    }

    @Test("Limits are never negative, and never above a constraint or a cap", arguments: seeds)
    func bounds(seed: UInt64) {
        walk(seed) { _, new in
            guard let settings = new.snapshot.settings else { return "no settings" }
            let isForbidden = new.limits.bounds.contains(where: \.stopsCharging)
            let floor =
                isForbidden
                ? ((settings.minimumVoltage - Millivolts(100)) * settings.cellCount).rawValue
                : (settings.minimumVoltage * 7 + settings.balanceVoltage * 3).rawValue * settings.cellCount / 10
            for bound in new.limits.bounds {
                let most = bound.limit == .cvl ? max(bound.value, floor) : bound.value
                if new.limits.value(bound.limit) > most { return "\(bound.limit) above \(bound.name)" }
            }
            let isInside = [new.limits.ccl, new.limits.dcl].allSatisfy { $0 >= .zero && $0 <= Self.cap }
            let target = (settings.balanceVoltage + Millivolts(30)) * settings.cellCount
            // The published voltage lies on a grid of 10 mV.
            let isBetween = new.limits.cvl.rawValue > floor - 10 && new.limits.cvl <= target
            return isInside && isBetween ? nil : "\(new.limits.numbers)"
        }
    }

    @Test("A limit of 0 is published in the step in which its cause arrives", arguments: seeds)
    func zero(seed: UInt64) {
        var zeros = 0
        walk(seed) { _, new in
            for bound in new.limits.bounds where bound.value == 0 {
                zeros += 1
                if new.limits.value(bound.limit) != 0 { return "\(bound.name) is 0" }
            }
            guard new.hasFrame else { return nil }
            let status = new.snapshot.newestStatus
            if !status.contains(.chargeAllowed) && new.limits.ccl != .zero { return "charging without permission" }
            return !status.contains(.dischargeAllowed) && new.limits.dcl != .zero ? "discharging likewise" : nil
        }
        #expect(zeros > 1000)
    }

    @Test("After 10 s of silence no charge is allowed, after 60 s no current", arguments: seeds)
    func silence(seed: UInt64) {
        walk(seed) { _, new in
            let capacity = new.snapshot.capacity?.rawValue ?? 0
            if new.age > 10_000 && (new.limits.ccl != .zero || new.limits.dcl.rawValue > capacity / 5) {
                return "\(new.age) ms: \(new.limits.numbers)"
            }
            return new.age > 60_000 && new.limits.dcl != .zero ? "\(new.age) ms: \(new.limits.numbers)" : nil
        }
    }

    @Test("The same input gives the same output", arguments: [4, 5] as [UInt64])
    func deterministic(seed: UInt64) {
        let first = walk(seed, steps: 1000) { _, _ in nil }
        #expect(first.count > 950)
        #expect(first == walk(seed, steps: 1000) { _, _ in nil }, "seed \(seed)")
    }

    @Test("Each reason is a sentence whose numbers have units", arguments: [6, 7, 8] as [UInt64])
    func reasons(seed: UInt64) {
        let units: Set<Substring> = ["V", "A", "Ah", "C", "mV", "%", "°C", "s"]
        var sentences: Set<String> = []
        for limits in walk(seed, steps: 1000, { _, _ in nil }) {
            sentences.formUnion(LimitKind.allCases.map(limits.reason))
            sentences.formUnion(limits.constraints.map(\.reason))
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
