import TestSupport
import TestThreads
import Testing

@testable import HistoryData

@Suite("Buckets of a history")
struct BucketTests {
    private static func bucket(_ samples: HistorySample...) -> Bucket {
        var bucket = Bucket()
        for sample in samples { bucket.add(sample, energyIn: 0, energyOut: 0) }
        return bucket
    }

    private static func reread(_ bucket: Bucket, weight: Int? = nil) -> Bucket {
        var copy = Bucket()
        BucketCode.add(BucketCode.bytes(bucket), to: &copy, weight: weight)
        return copy
    }

    @Test("What is unknown is unknown after writing, and 0 is 0")
    func unknown() {
        let read = Self.reread(
            Self.bucket(
                HistorySample(
                    time: 0, values: [.current: 0, .voltage: .nan, .power: .infinity], cells: [3.3, nil, .nan, 3.4])))
        #expect(read[.current] == Tally(count: 1, sum: 0, low: 0, high: 0))
        #expect(read[.voltage].mean == nil)
        #expect(read[.power].mean == nil)
        #expect(read[.soc].mean == nil)
        #expect(read.cellVoltages == [3.3, nil, nil, 3.4])
        #expect(read.cellTemperatures.isEmpty)
    }

    @Test("Lowest, mean and highest are kept in the steps of the value")
    func values() {
        let read = Self.reread(
            Self.bucket(
                HistorySample(
                    time: 0, values: [.current: -12.34, .voltage: 53.125, .soc: 80, .lowestTemperature: -20.1]),
                HistorySample(time: 1, values: [.current: 1.25, .voltage: 53.135, .soc: 81, .lowestTemperature: -20.1]))
        )
        #expect(read[.current] == Tally(count: 2, sum: -1110, low: -1234, high: 125))
        #expect(read[.voltage].mean == 53130)
        #expect(read[.soc].mean == 805)
        #expect(read[.lowestTemperature].mean == -201)
    }

    @Test("A minute of 16 cells takes at most 100 bytes")
    func size() {
        var pack = PackYear()
        var bucket = Bucket()
        for second in 0..<6 {
            bucket.add(pack.sample(at: Double(PackYear.start + 43_200 + second * 10)), energyIn: 9, energyOut: 0)
        }
        #expect(BucketCode.bytes(bucket).count <= 100)
        #expect(Self.reread(bucket).cells.map(\.mean) == bucket.cells.map(\.mean))
        #expect(Self.reread(bucket).energyIn == 54)
    }

    @Test("Merged halves are the whole, in either order")
    func merge() {
        let (first, second) = (
            HistorySample(time: 0, values: [.voltage: 52, .ccl: 10], cells: [3.2]),
            HistorySample(time: 1, values: [.voltage: 54], cells: [3.4, 3.5])
        )
        var ascending = Self.bucket(first)
        ascending.merge(Self.bucket(second))
        var descending = Self.bucket(second)
        descending.merge(Self.bucket(first))
        #expect(ascending == Self.bucket(first, second))
        #expect(descending == ascending)
        #expect(ascending[.ccl].count == 1)
    }

    @Test("A number that no battery has is unknown")
    func impossible() {
        let read = Self.bucket(HistorySample(time: 0, values: [.power: 1e300, .voltage: -1e18]))
        #expect(read[.power].count == 0 && read[.voltage].count == 0)
    }

    @Test("Damaged rows of every kind are read without harm, and so is their sum", .calculates)
    func damaged() {
        var random = SeededRandom(3)
        var pack = PackYear()
        var bucket = Bucket()
        bucket.add(pack.sample(at: Double(PackYear.start)), energyIn: 1, energyOut: 1)
        let good = BucketCode.bytes(bucket)
        var sum = Bucket()
        for round in 0..<20_000 {
            var bytes = round % 2 == 0 ? good : random.bytes(Int.random(in: 0...100, using: &random))
            if !bytes.isEmpty {
                bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8(truncatingIfNeeded: random.next())
                bytes.removeLast(Int.random(in: 0...bytes.count, using: &random))
            }
            BucketCode.add(bytes, to: &sum, weight: 360)
            _ = DayRecord(bytes)
            _ = BucketCode.bytes(sum)
        }
        BucketCode.add([UInt8](repeating: 0xFF, count: 300), to: &sum)
        BucketCode.add([], to: &sum)
        #expect(sum.cells.count <= Bucket.mostCells)
    }
}

@Suite("Times of a history")
struct HistoryTimeTests {
    @Test(
        "A plot has at most the points asked for and one more, of whole rows",
        arguments: [1.0, 60, 3_600, 86_400, 604_800, 31_536_000, 1e9], [1, 7, 800, 2_000])
    func range(length: Double, points: Int) {
        let range = PlotRange(from: 1_767_225_655, to: 1_767_225_655 + length, points: points)
        #expect(range.step % range.level.rawValue == 0)
        #expect(range.count <= points + 1)
        #expect(range.start <= 1_767_225_655 && Double(range.end) >= 1_767_225_655 + length)
        #expect(range.start + range.step > 1_767_225_655)
    }

    @Test(
        "Every question has an answer of bounded size",
        arguments: [(Double.nan, Double.nan), (-Double.infinity, .infinity), (5, 1), (1e300, -1e300), (.infinity, 0)])
    func hostile(from: Double, to: Double) {
        for points in [Int.min, -1, 0, 1, Int.max] {
            let range = PlotRange(from: from, to: to, points: points)
            #expect((1...PlotRange.mostPoints + 1).contains(range.count))
        }
    }

    @Test("A year is plotted from hours, a week from minutes, an hour from samples")
    func levels() {
        #expect(PlotRange(from: 0, to: 31_536_000, points: 800).level == .hours)
        #expect(PlotRange(from: 0, to: 604_800, points: 800).level == .minutes)
        #expect(PlotRange(from: 0, to: 3_600, points: 800).level == .samples)
    }

    @Test("Dates are those of the calendar")
    func dates() {
        for (day, date) in [
            (0, (1970, 1, 1)), (11_016, (2000, 2, 29)), (20_454, (2026, 1, 1)), (20_512, (2026, 2, 28)),
            (20_513, (2026, 3, 1)), (21_243, (2028, 2, 29)), (20_818, (2026, 12, 31)),
        ] { #expect(LocalDays.date(day) == date) }
        #expect(LocalDays.firstOfMonth(11_016) == 10_988)
    }

    @Test("Days begin at local midnight, also when summer time begins")
    func localDays() {
        // Two hours ahead from 2026-03-29 01:00 UTC on, else one.
        let days = LocalDays { $0 >= 1_774_746_000 ? 7_200 : 3_600 }
        let before = days.day(1_774_745_999)
        #expect(before == days.day(1_774_746_000))
        #expect(days.start(before) == 1_774_738_800)
        #expect(days.start(before + 1) == 1_774_738_800 + 23 * 3_600)
    }

    @Test(
        "Where summer time begins at midnight, a day begins with its first hour", arguments: [-3_600, -14_400, 7_200])
    func missingMidnight(offset: Int) {
        // Local midnight of 2026-03-29 is 1:00.
        let change = 20_541 * 86_400 - offset
        let days = LocalDays { $0 >= change ? offset + 3_600 : offset }
        #expect(days.start(20_541) == change && days.day(change) == 20_541 && days.day(change - 1) == 20_540)
        #expect(days.start(20_540) == change - 86_400 && days.start(20_542) == change + 23 * 3_600)
        #expect(LocalDays.text(20_541) == "2026-03-29")
    }

    @Test("Cells whose differences add up to more than any voltage end a row")
    func largeDifferences() {
        let large: [UInt8] = [0xFF, 0xFF, 0xFF, 0xFF, 0x1F]
        var reader = ByteReader([3] + large + large + large)
        var numbers: [Int?] = []
        let isWhole = reader.list { numbers.append($1) }
        #expect(!isWhole && numbers.count < 3 && numbers.allSatisfy { abs($0 ?? 0) <= 1 << 33 })
    }
}
