import BMSCore
import SmartBMS
import TestSupport
import TestThreads
import Testing

@testable import BatteryEngine
@testable import MQTTBridge

/// A bank's energy alone, with packs whose counters the test moves.
private struct EnergyHarness {
    var energy: BankEnergy
    var readings: [String: [Int]]
    var seen: Set<String>
    var seconds: Int64 = 1_000
    var wall: Int64 = 1_795_000_000_000

    init(_ readings: [String: [Int]], _ state: BankState? = nil) {
        energy = BankEnergy(state)
        self.readings = readings
        seen = Set(readings.keys)
    }

    mutating func run(_ count: Int) {
        for _ in 0..<count {
            seconds += 1
            wall += 1_000
            let members = readings.sorted { $0.key < $1.key }.map { id, values in
                let totals = EnergyTotals(
                    inToday: WattHours(values[0]), outToday: WattHours(values[1]), inAll: WattHours(values[2]),
                    outAll: WattHours(values[3]))
                return BankEnergy.Member(id: id, isSeen: seen.contains(id), totals: totals)
            }
            energy.step(members, at: Moment(monotonic: Timestamp(milliseconds: seconds * 1000), wall: wall))
        }
    }

    mutating func restart(clean: Bool = true, after gap: Int64 = 5) {
        energy = BankEnergy(energy.state(isEnding: clean))
        seconds += gap
        wall += gap * 1000
    }

    /// Today in and out, lifetime in and out, Wh.
    var shown: [Int] {
        let totals = energy.totals
        return [totals.inToday, totals.outToday, totals.inAll, totals.outAll].map { $0?.rawValue ?? -1 }
    }
}

@Suite("Energy of a bank", .calculates)
struct BankEnergyTests {
    private let old = [10_000, 8_000, 1_000_000, 900_000]

    @Test("the counters begin at 0 and count the gains of the packs, also over a clean restart")
    func gains() {
        var harness = EnergyHarness(["a": old, "b": old])
        harness.run(20)
        #expect(harness.shown == [0, 0, 0, 0])
        harness.readings["a"] = [10_300, 8_000, 1_001_000, 900_000]
        harness.run(1)
        #expect(harness.shown == [300, 0, 1_000, 0])
        let saves = [harness.energy.takeSave(), harness.energy.takeSave()]
        #expect(saves == [true, false])
        harness.readings["b"] = [10_000, 8_500, 1_000_000, 901_000]
        harness.run(1)
        // The lifetime rises once a minute, so that each rise is on disk before the next.
        #expect(harness.shown == [300, 500, 1_000, 0])
        harness.run(60)
        #expect(harness.shown == [300, 500, 1_000, 1_000])
        harness.restart()
        #expect(harness.shown == [300, 500, 1_000, 1_000])
        let savesAtStart = harness.energy.takeSave()
        #expect(savesAtStart, "the day must not be found again after a crash")
        harness.run(20)
        harness.readings["a"] = [10_400, 8_000, 1_002_000, 900_000]
        harness.run(1)
        #expect(harness.shown == [400, 500, 2_000, 1_000])
    }

    @Test("after a crash the day's counters begin at 0, and the lifetime counters are those on the disk")
    func crash() {
        var harness = EnergyHarness(["a": old])
        harness.run(20)
        harness.readings["a"] = [10_300, 8_000, 1_001_000, 900_000]
        harness.run(1)
        harness.restart(clean: false)
        #expect(harness.shown == [0, 0, 1_000, 0])
    }

    @Test("when the packs' clocks differ, the first pack that passes midnight resets the day, once")
    func midnight() {
        var harness = EnergyHarness(["a": old, "b": old])
        harness.run(20)
        harness.readings["a"]?[0] = 10_500
        harness.run(1)
        harness.readings["a"] = [0, 0, 1_000_000, 900_000]
        harness.run(15)
        #expect(harness.shown == [0, 0, 0, 0])
        harness.readings["b"]?[0] = 10_040
        harness.run(1)
        #expect(harness.shown[0] == 40)
        harness.readings["b"] = [0, 0, 1_000_000, 900_000]
        harness.run(15)
        #expect(harness.shown[0] == 40)
        harness.readings["a"]?[0] = 20
        harness.run(1)
        #expect(harness.shown[0] == 60)
        // At noon the owner resets the counter in the app; the next midnight ends the day.
        harness.wall += 12 * 3_600_000
        harness.readings["a"]?[0] = 0
        harness.run(1)
        #expect(harness.shown[0] == 60)
        harness.readings["a"]?[0] = 7
        harness.run(1)
        harness.wall += 12 * 3_600_000
        harness.readings["a"]?[0] = 0
        harness.run(1)
        #expect(harness.shown[0] == 0)
    }

    @Test("a pack that was silent over midnight ends the day when it comes back, also after a restart")
    func silentMidnight() {
        for restarts in [false, true] {
            var harness = EnergyHarness(["a": old])
            harness.run(20)
            harness.readings["a"]?[0] = 10_500
            harness.run(1)
            harness.seen = []
            harness.run(20)
            if restarts { harness.restart(after: 3_600) }
            harness.readings["a"] = [70, 0, 1_002_000, 900_000]
            harness.run(20)
            #expect(harness.shown[0] == 500)
            harness.seen = ["a"]
            harness.run(20)
            #expect(harness.shown == [0, 0, 0, 0])
            harness.readings["a"]?[0] = 100
            harness.run(1)
            #expect(harness.shown[0] == 30)
        }
    }

    @Test("a day that no pack ends is over after 26 hours, and its start is a whole day later")
    func longDay() {
        var harness = EnergyHarness(["a": old])
        harness.run(20)
        harness.readings["a"]?[0] = 0
        harness.run(1)
        harness.readings["a"]?[0] = 50
        harness.run(1)
        harness.wall += 25 * 3_600_000
        harness.run(1)
        #expect(harness.shown[0] == 50)
        harness.wall += 1 * 3_600_000
        harness.run(1)
        #expect(harness.shown[0] == 0)
        let since: Int64 = 1_795_000_021_000 + 86_400_000
        #expect(harness.energy.state(isEnding: true).today?.since == since)
        // A clock that is set back ends nothing.
        harness.readings["a"]?[0] = 90
        harness.run(1)
        harness.wall -= 400 * 86_400_000
        harness.run(1)
        #expect(harness.shown[0] == 40)
    }

    @Test(
        "silence, another BMS and a new pack add no energy",
        arguments: [[0, 0, 0, 0], [12_000, 9_000, 2_000_000, 1_900_000], [10_400, 8_000, 1_003_000, 900_000]])
    func otherCounters(values: [Int]) {
        var live = EnergyHarness(["a": old, "b": old])
        live.run(20)
        live.readings["b"] = values
        live.run(1)
        // Within a second at most a kilowatt-hour counts.
        #expect(live.shown.suffix(2) == [0, 0])
        var silent = EnergyHarness(["a": old, "b": old])
        silent.run(20)
        silent.seen = ["a"]
        silent.run(1)
        silent.readings["b"] = values
        silent.run(20)
        silent.seen = ["a", "b"]
        silent.run(80)
        #expect(silent.shown == [0, 0, 0, 0])
        silent.readings["c"] = [5_000, 5_000, 7_000_000, 7_000_000]
        silent.seen.insert("c")
        silent.run(80)
        #expect(silent.shown == [0, 0, 0, 0])
    }

    @Test(
        "in random histories the lifetime never falls, rises by no more than was seen, and no recorder counts more",
        arguments: [1, 2, 3] as [UInt64])
    func histories(seed: UInt64) {
        var random = SeededRandom(seed)
        var harness = EnergyHarness(["a": old, "b": old])
        harness.run(12)
        var seenGain = 0
        var seenToday = 0
        // Seconds in which each pack had data.
        var counted = ["a": 12, "b": 12]
        // Home Assistant's recorder treats a fall of a total below nine tenths as a reset.
        var recorded = [0, 0]
        var last = harness.shown
        for _ in 0..<RandomCases.count(3_000) {
            let id = ["a", "b", "c"].randomElement(using: &random) ?? "a"
            switch Int.random(in: 0..<60, using: &random) {
            case 0: harness.seen.remove(id)
            case 1: if harness.readings[id] != nil { harness.seen.insert(id) }
            case 2: harness.readings[id] = [0, 0, 0, 0]
            case 3: harness.readings[id]?[2] += 1_000_000
            case 4: harness.readings[id]?[0] = 0
            case 5:
                harness.restart(clean: random.oneIn(2), after: random.oneIn(2) ? 4 : 40_000)
                counted = [:]
            case 6: harness.wall += Int64.random(in: -40...40, using: &random) * 3_600_000
            case 7:
                harness.readings["c"] = random.oneIn(2) ? nil : [500, 500, 5_000_000, 5_000_000]
                if harness.readings["c"] == nil { harness.seen.remove("c") }
            default:
                guard harness.readings[id] != nil else { break }
                let gain = Int.random(in: 0...900, using: &random)
                let lifetime = random.oneIn(5) ? 1_000 : 0
                harness.readings[id]?[0] += gain
                harness.readings[id]?[2] += lifetime
                if (counted[id] ?? 0) > 10 { (seenToday, seenGain) = (seenToday + gain, seenGain + lifetime) }
            }
            for id in ["a", "b", "c"] where !harness.seen.contains(id) { counted[id] = 0 }
            let seconds = Int.random(in: 1...15, using: &random)
            harness.run(seconds)
            for id in harness.seen { counted[id, default: 0] += seconds }
            let shown = harness.shown
            #expect(shown[2] >= last[2])
            for (place, index) in [0, 2].enumerated() {
                let isAnew = Double(shown[index]) < 0.9 * Double(last[index])
                recorded[place] += isAnew ? shown[index] : shown[index] - last[index]
            }
            last = shown
            #expect(recorded[0] <= seenToday && recorded[1] <= seenGain && shown[2] <= seenGain)
        }
        #expect(last[2] > 0 && recorded[0] > 0)
    }
}
