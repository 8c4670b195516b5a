import TestSupport
import Testing

@testable import HistoryData

@Suite("What a history takes in")
struct IntakeTests {
    private static let start = Double(PackYear.start)

    /// The energies of a row of readings, a minute apart.
    private static func energies(_ readings: [Double?], seconds: Double = 60) -> [Int] {
        var counter: EnergyCounter?
        return readings.enumerated().map { index, reading in
            EnergyCounter.energy(&counter, reading: reading, at: start + Double(index) * seconds)
        }
    }

    @Test("A counter that begins anew counts from there")
    func reset() { #expect(Self.energies([8.5, 8.51, 0.04, 0.06, 0, 0.01]) == [0, 10, 40, 20, 0, 10]) }

    @Test("A small fall is a correction: nothing is counted twice")
    func correction() { #expect(Self.energies([8.5, 8.49, 8.51]) == [0, 0, 20]) }

    @Test("An unknown reading changes nothing, and what flowed meanwhile is counted after it")
    func gap() { #expect(Self.energies([8.5, nil, .nan, -1, 8.6]) == [0, 0, 0, 0, 100]) }

    @Test("A jump that no battery can make is not counted, and what follows is")
    func jump() { #expect(Self.energies([8.5, 2_000_000, 2_000_000.01, 593, 593.01]) == [0, 0, 10, 0, 10]) }

    @Test("Whole kilowatt-hours count")
    func lifetime() { #expect(Self.energies([593, 594, 594, 596]) == [0, 1000, 0, 2000]) }

    @Test(
        "After a long silence the counter of a lifetime tells what that of today cannot",
        arguments: [
            // Reading and lifetime before, reading and lifetime after, hours, Wh: an unseen reset, below and above the last reading.
            (20.0, 593.0, 14.0, 608.0, 16.0, 15_000), (20, 593, 25, 620, 16, 27_000), (8, 593, 1.5, 595, 8, 1_500),
            // The same day, and a lifetime that counts in whole kWh.
            (8, 593, 9.4, 594, 2, 1_400), (8, 593, 9.4, 595, 2, 1_400),
            // A short silence, an unknown lifetime, and one of another BMS.
            (20, 593, 14, 608, 0.5, 0), (20, 593, 14, nil, 16, 0), (20, 593, 25, 3, 16, 5_000),
            (20, 593, 25, -3, 16, 5_000), (20, -593, 25, 3, 16, 5_000),
            // Counters that are not of one BMS, or not in the unit that is assumed: today's alone counts.
            (10, 500, 13.6, 500, 2, 3_600), (20, 593, 25, 1_593, 3, 5_000), (2, 593, 9, 595, 16, 7_000),
            // Days: what flowed before today has no day of its own.
            (20, 593, 14, 893, 26, 14_000), (8, 593, 9.4, 893, 700, 9_400),
            (20, 593, 14, nil, 26, 14_000),
            // A clock that was set forward by 30 hours.
            (8.5, 593, 8.505, 593, 30, 5),
        ] as [(Double, Double, Double, Double?, Double, Int)])
    func silence(last: Double, before: Double, reading: Double, after: Double?, hours: Double, energy: Int) {
        var counter: EnergyCounter?
        _ = EnergyCounter.energy(&counter, reading: last, lifetime: before, at: Self.start)
        let told = EnergyCounter.energy(
            &counter, reading: reading, lifetime: after, at: Self.start + hours * 3_600)
        #expect(told == energy)
    }

    @Test("A counter of a damaged file counts nothing, and goes on from the next reading")
    func damaged() {
        var counter: EnergyCounter? = EnergyCounter(last: .min, time: Self.start)
        #expect(EnergyCounter.energy(&counter, reading: 8.5, at: Self.start + 60) == 0)
        #expect(EnergyCounter.energy(&counter, reading: 8.51, at: Self.start + 120) == 10)
    }

    private static func record(_ samples: [HistorySample]) -> DayRecord {
        var watch = DayWatch()
        return samples.reduce(into: DayRecord()) { record, sample in
            if let new = watch.take(sample, day: 1) { record.merge(new) }
        }
    }

    private static func idle(_ minute: Double, _ current: Double? = 0.2, _ cells: [Double?] = [3.301, 3.299])
        -> HistorySample
    {
        var sample = HistorySample(time: start + minute * 60, cells: cells)
        sample.values[.current] = current
        return sample
    }

    @Test("Cells are at rest after half an hour without current")
    func rest() {
        #expect(Self.record((0..<30).map { Self.idle(Double($0)) }).cellsAtRest == nil)
        #expect(Self.record((0...30).map { Self.idle(Double($0)) }).cellsAtRest == [3.301, 3.299])
    }

    @Test("Current, a gap, and a clock that was set back end the rest")
    func restEnds() {
        var samples = (0...30).map { Self.idle(Double($0)) }
        samples[15] = Self.idle(15, 5)
        #expect(Self.record(samples).cellsAtRest == nil)
        #expect(Self.record((0...3).map { Self.idle(Double($0 * 11)) }).cellsAtRest == nil)
        samples = (0...29).map { Self.idle(Double($0)) } + (0...20).map { Self.idle(Double($0 - 10)) }
        #expect(Self.record(samples).cellsAtRest == nil)
        samples = (0...30).map { Self.idle(Double($0), nil) }
        #expect(Self.record(samples).cellsAtRest == nil)
    }

    @Test("The longest rest of a day counts")
    func longestRest() {
        let long = (0...70).map { Self.idle(Double($0), 0, [3.3, 3.2]) }
        let short = (80...120).map { Self.idle(Double($0), 0, [3.5, 3.5]) }
        let record = Self.record(long + [Self.idle(75, 9)] + short)
        #expect(record.cellsAtRest == [3.3, 3.2])
        #expect(record.restSeconds == 3600)
    }

    @Test("Cells at full are those of the highest sum at 100 % or float")
    func full() {
        var samples = [Self.idle(0, 9, [3.3, 3.3]), Self.idle(1, 9, [3.45, 3.40]), Self.idle(2, 9, [3.40, 3.35])]
        #expect(Self.record(samples).cellsAtFull == nil)
        samples[1].values[.soc] = 100
        samples[2].chargeState = "float"
        #expect(Self.record(samples).cellsAtFull == [3.45, 3.40])
        samples[1].values[.soc] = 99
        #expect(Self.record(samples).cellsAtFull == [3.40, 3.35])
    }

    @Test("The weakest cell is the one that was lowest of all")
    func weakest() {
        let record = Self.record([
            Self.idle(0, -9, [3.1, 3.2, nil]), Self.idle(1, -90, [2.9, 2.8, 3.0]), Self.idle(2, -9, [3.0, 3.2, 3.1]),
        ])
        #expect(record.weakestCell == 2)
        #expect(Self.record([Self.idle(0, -9, [nil, nil])]).weakestCell == nil)
        #expect(DayRecord(record.bytes) == record)
        #expect(DayRecord(DayRecord().bytes) == DayRecord())
    }

    @Test("A retained document that comes again counts once")
    func again() {
        var intake = Intake(.utc)
        for _ in 0..<3 { intake.add(HistorySample(time: Self.start, values: [.soc: 5]), of: "garage") }
        #expect(intake.take().buckets.values.map(\.count) == [1, 1])
    }

    @Test("Times of a clock that is not set, and names that are none, are refused and counted")
    func refused() {
        var intake = Intake(.utc)
        for time in [0, 1, 1e9, 5e9, -1, .nan, .infinity] {
            intake.add(HistorySample(time: time, values: [.soc: 5]), of: "garage")
            intake.add(HistoryEvent(time: time, kind: "a", text: "b"), of: "garage")
            intake.add(LimitChange(time: time, limit: "ccl", value: 1, name: "a", sentence: "b"), of: "garage")
        }
        for name in ["", "a\u{0}b", "a b", String(repeating: "x", count: 65)] {
            intake.add(HistorySample(time: Self.start), of: name)
        }
        #expect(intake.take().isEmpty)
        #expect(intake.dropped == 25)
    }

    @Test("Memory is bounded while nothing is written: samples go first, the newest minutes stay")
    func bounded() {
        var intake = Intake(.utc)
        for minute in 0..<1_200 {
            for second in stride(from: 0, to: 60, by: 10) {
                intake.add(HistorySample(time: Self.start + Double(minute * 60 + second), values: [.soc: 1]), of: "g")
            }
            // A commit that fails.
            intake.putBack(intake.take())
        }
        let batch = intake.take()
        #expect(batch.buckets.count <= Intake.mostBuckets)
        #expect(batch.buckets.keys.filter { $0.level == .minutes }.count == 1_200)
        #expect(batch.buckets.keys.contains { $0.level == .samples && $0.time == PackYear.start + 1_199 * 60 })
        #expect(intake.dropped > 0)
        for number in 0..<5_000 {
            intake.add(HistoryEvent(time: Self.start + Double(number), kind: "a", text: "\(number)"), of: "g")
            intake.add(HistorySample(time: Self.start + Double(number) * 60), of: "g")
        }
        let next = intake.take()
        #expect(next.events.count == Intake.mostLines)
        #expect(next.events.last?.event.text == "4999")
        #expect(next.buckets.count <= Intake.mostBuckets)
    }

    @Test("More than 256 batteries are refused")
    func batteries() {
        var intake = Intake(.utc)
        for number in 0..<300 { intake.add(HistorySample(time: Self.start, values: [.soc: 1]), of: "b\(number)") }
        #expect(Set(intake.take().buckets.keys.map(\.battery)).count == 256)
        #expect(intake.dropped == 44)
    }

    @Test(
        "A battery that is silent for a day, or that never had a sample, makes room; the first that finds none is told once"
    )
    func places() {
        var intake = Intake(.utc)
        intake.restore(Counters(energyIn: EnergyCounter(last: 1_000, time: Self.start), energyOut: nil), of: "late")
        for number in 0..<255 { intake.add(HistorySample(time: Self.start, values: [.soc: 5]), of: "p\(number)") }
        intake.add(HistoryEvent(time: Self.start, kind: "a", text: "invented"), of: "words")
        intake.add(HistoryEvent(time: Self.start, kind: "a", text: "invented"), of: "more")
        #expect(intake.takeRefused() == nil && intake.dropped == 1, "words take no place from others")
        intake.add(HistorySample(time: Self.start + 60, energyIn: 1.5), of: "late")
        #expect(intake.take().counters["late"]?.energyIn?.last == 1_500)
        intake.add(HistorySample(time: Self.start + 60, values: [.soc: 5]), of: "one")
        #expect(intake.takeRefused() == "one" && intake.takeRefused() == nil)
        intake.add(HistorySample(time: Self.start + 61, values: [.soc: 5]), of: "two")
        #expect(intake.takeRefused() == nil)
        intake.add(HistorySample(time: Self.start + 86_401, values: [.soc: 5]), of: "one")
        #expect(intake.take().buckets.keys.contains { $0.battery == "one" })
    }

    @Test("Long texts are cut, and control characters do not break lines")
    func texts() {
        var intake = Intake(.utc)
        intake.add(
            HistoryEvent(time: Self.start, kind: "a\nb", text: String(repeating: "ä", count: 400)), of: "garage")
        let event = intake.take().events.first?.event
        #expect(event?.kind == "a b")
        #expect(event?.text.utf8.count == 500)
    }

    @Test("A limit with the value and the rule of the last is no change")
    func changes() {
        var intake = Intake(.utc)
        let given: [(Double?, String)] = [(50, "tail"), (50, "tail"), (40, "tail"), (40, "cold"), (nil, "cold")]
        for (index, (value, name)) in given.enumerated() {
            intake.add(
                LimitChange(time: Self.start + Double(index), limit: "ccl", value: value, name: name, sentence: "s"),
                of: "g")
        }
        intake.add(LimitChange(time: Self.start, limit: "other", value: 1, name: "a", sentence: "s"), of: "g")
        #expect(intake.take().changes.map(\.change.value) == [50, 40, 40, nil])
    }
}
