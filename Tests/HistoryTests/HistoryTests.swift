import HistoryData
import LinuxIO
import TestSupport
import TestThreads
import Testing

@testable import History

@Suite("A history", .calculates, .timeLimit(.minutes(10)))
struct HistoryTests {
    private static let start = HistoryHarness.start
    private let harness = HistoryHarness()

    @Test("What is committed is plotted, with gaps where nothing was known")
    func series() throws {
        let history = harness.open()
        #expect(history.open().isEmpty)
        #expect(HistoryHarness.fill(history, from: Self.start, count: 12) { 50 + Double($0) }.isEmpty)
        _ = HistoryHarness.fill(history, from: Self.start + 180, count: 6) { _ in 60 }
        let answer = try history.series(
            "garage", [.voltage, .soc], from: Self.start, to: Self.start + 240, points: 4)
        #expect(answer.step == 60)
        #expect(answer.time == (0..<4).map { Self.start + Double($0 * 60) })
        #expect(answer.lines[0].mean == [52.5, 58.5, nil, 60])
        #expect(answer.lines[0].min == [50, 56, nil, 60])
        #expect(answer.lines[0].max == [55, 61, nil, 60])
        #expect(answer.lines[1].mean == [nil, nil, nil, nil])
        #expect(try HistoryHarness.voltages(history, from: Self.start, to: Self.start + 30).prefix(3) == [50, 51, 52])
        #expect(try history.series("other", [.soc], from: 0, to: 1, points: 1).lines[0].mean == [nil])
    }

    @Test("Nothing is written between commits, and one transaction holds a whole batch")
    func commits() throws {
        let history = harness.open()
        _ = history.open()
        let wal = "\(harness.path)-wal"
        let before = FileSize.of(wal)
        for second in 0..<600 {
            history.add(HistorySample(time: Self.start + Double(second), values: [.soc: 1]), of: "garage")
        }
        #expect(FileSize.of(wal) == before)
        #expect(try history.batteries().isEmpty)
        _ = history.commit(at: Self.start + 600)
        #expect(FileSize.of(wal) > before)
        #expect(history.status.commits == 1)
        #expect(
            try history.batteries() == [HistoryBattery(id: "garage", first: Self.start, last: Self.start + 540)])
    }

    @Test("Hours outlive minutes, and minutes outlive samples; a plot is joined from both")
    func levels() throws {
        let history = harness.open { options in (options.samples, options.minutes) = (30, 120) }
        _ = HistoryHarness.fill(history, from: Self.start, count: 6 * 60 * 6) { Double($0 / 360) + 50 }
        #expect(try HistoryHarness.voltages(history, from: Self.start, to: Self.start + 21_600, points: 6).count == 6)
        let fine = try HistoryHarness.voltages(history, from: Self.start, to: Self.start + 21_600, points: 360)
        #expect(fine.count == 360)
        #expect(fine.allSatisfy { $0 != nil })
        #expect((0..<6).allSatisfy { fine[$0 * 60] == Double($0) + 50 })
        let database = try Database(harness.path, readOnly: true)
        // One hour may come on top before the next removal.
        #expect(try database.integer("SELECT count(*) FROM samples") ?? 0 <= 30 + 360)
        #expect(try database.integer("SELECT count(*) FROM minutes") ?? 0 <= 120 + 60)
        #expect(
            try database.integer("SELECT minutes FROM batteries") == database.integer("SELECT count(*) FROM minutes"))
        #expect(
            try database.integer("SELECT samples FROM batteries") == database.integer("SELECT count(*) FROM samples"))
        #expect(try database.integer("SELECT count(*) FROM hours") == 6)
    }

    @Test("The hour that is not over is in plots of hours, too")
    func openHour() throws {
        let history = harness.open()
        _ = HistoryHarness.fill(history, from: Self.start, count: 6 * 90) { _ in 51 }
        #expect(
            try HistoryHarness.voltages(history, from: Self.start, to: Self.start + 10_800, points: 3) == [51, 51, nil])
        #expect(try history.days("garage", from: Self.start, to: Self.start + 1).count == 1)
    }

    @Test("Energy, resistance, spread and cells of days and months")
    func periods() throws {
        let history = harness.open()
        var counter = 0.0
        for quarter in 0..<(40 * 96) {
            let time = Self.start + Double(quarter) * 900
            if quarter % 96 == 0 { counter = 0 }
            let sample = HistorySample(
                time: time,
                values: [
                    .lowestCell: 3.30, .highestCell: 3.32, .resistance: 12.5, .soc: quarter % 96 == 50 ? 100 : 50,
                ],
                energyIn: counter, energyOut: 500, cells: [3.32, quarter % 96 == 70 ? 3.1 : 3.31])
            history.add(sample, of: "garage")
            if quarter % 96 < 95 { counter += 0.1 }
            if quarter % 4 == 3 { _ = history.commit(at: time) }
        }
        let days = try history.days("garage", from: Self.start + 86_400, to: Self.start + 3 * 86_400)
        #expect(days.map(\.time) == [Self.start + 86_400, Self.start + 2 * 86_400])
        // 95 steps of 0.1 kWh; the counter's reset at midnight adds nothing.
        #expect(days.allSatisfy { abs(($0.energyIn ?? 0) - 9.5) < 0.001 && $0.energyOut == 0 })
        #expect(days.allSatisfy { $0.resistance == 12.5 && $0.spread == nil }, "it never rested")
        #expect(days.map(\.date) == ["2026-01-02", "2026-01-03"])
        #expect(days.allSatisfy { $0.weakestCell == 2 && $0.atFull == [3.32, 3.31] && $0.atRest == nil })
        let months = try history.months("garage")
        #expect(months.map(\.time) == [Self.start, Self.start + 31 * 86_400])
        #expect(abs((months[0].energyIn ?? 0) - 31 * 9.5) < 0.001)
        #expect(abs((months[1].energyIn ?? 0) - 9 * 9.5) < 0.001)
        #expect(months[1].weakestCell == 2 && months[1].atFull == [3.32, 3.31])
    }

    @Test("The spread of a day is that of the cells at rest, and that of a month the mean of its days")
    func spread() throws {
        let history = harness.open()
        for minute in 0..<(2 * 1_440) {
            let (isNext, rests) = (minute >= 1_440, minute % 1_440 < 60)
            let cells = rests ? [3.30, isNext ? 3.32 : 3.31, nil] : [3.30, 3.55, nil]
            let sample = HistorySample(
                time: Self.start + Double(minute * 60), values: [.current: rests ? 0 : 40], cells: cells)
            history.add(sample, of: "garage")
        }
        _ = history.commit(at: Self.start + 2 * 86_400)
        let days = try history.days("garage", from: Self.start, to: Self.start + 2 * 86_400)
        #expect(days.map(\.spread) == [0.01, 0.02])
        #expect(days.allSatisfy { $0.energyIn == nil && $0.energyOut == nil }, "its counters were never read")
        #expect(try history.months("garage").map(\.spread) == [0.015])
    }

    @Test("Where days do not begin with an hour of UTC, the first day has no part of the one before")
    func halfHours() throws {
        let india = LocalDays { _ in 19_800 }
        let history = harness.open { $0.days = india }
        for quarter in 0..<(3 * 96) {
            history.add(
                HistorySample(time: Self.start + Double(quarter * 900), energyIn: Double(quarter)), of: "garage")
            if quarter % 4 == 3 { _ = history.commit(at: Self.start + Double(quarter * 900)) }
        }
        let midnight = Self.start + 86_400 - 19_800
        let days = try history.days("garage", from: midnight, to: midnight + 86_400)
        #expect(days.map(\.time) == [midnight] && days.map(\.date) == ["2026-01-02"])
    }

    @Test("Energy counters continue after a restart")
    func restart() throws {
        for (index, reading) in [10.0, 10.5, 11.25].enumerated() {
            let history = harness.open()
            _ = history.open()
            let sample = HistorySample(time: Self.start + Double(index * 60), energyIn: reading, lifetimeIn: 500)
            history.add(sample, of: "garage")
            _ = history.close(at: Self.start + Double(index * 60))
        }
        let history = harness.open()
        _ = history.open()
        #expect(try history.days("garage", from: Self.start, to: Self.start + 60).map(\.energyIn) == [1.25])
        let next = HistorySample(time: Self.start + 86_400, energyIn: 14, lifetimeIn: 515)
        history.add(next, of: "garage")
        _ = history.commit(at: Self.start + 86_400)
        #expect(try history.days("garage", from: Self.start + 86_400, to: Self.start + 86_401).map(\.energyIn) == [15])
    }

    @Test("Cells of a plot")
    func cells() throws {
        let history = harness.open()
        for second in 0..<120 {
            let sample = HistorySample(
                time: Self.start + Double(second), cells: [3.3, second < 60 ? nil : 3.4], temperatures: [20])
            history.add(sample, of: "garage")
        }
        _ = history.commit(at: Self.start + 120)
        let cells = try history.cells("garage", from: Self.start, to: Self.start + 120, points: 2)
        #expect(cells.time == [Self.start, Self.start + 60])
        #expect(cells.voltages == [[3.3, 3.3], [nil, 3.4]])
        #expect(cells.temperatures == [[20, 20]])
    }

    @Test("Changes come with what was in force before; events come in order; neither is written twice")
    func lines() throws {
        let history = harness.open { options in (options.events, options.changes) = (3, 4) }
        _ = history.open()
        for second in 0..<5 {
            let time = Self.start + Double(second)
            for _ in 0..<2 {
                let value = second == 2 ? nil : Double(second) + 0.25
                history.add(
                    LimitChange(time: time, limit: "ccl", value: value, name: "tail", sentence: "it's"), of: "garage")
                history.add(HistoryEvent(time: time, kind: "cell", text: "event \(second)"), of: "garage")
            }
        }
        _ = history.commit(at: Self.start)
        let changes = try history.changes("garage", from: Self.start + 2, to: Self.start + 4)
        #expect(changes.map(\.value) == [1.25, nil, 3.25])
        #expect(changes.map(\.time) == [1, 2, 3].map { Self.start + $0 })
        #expect(changes[0].name == "tail" && changes[0].sentence == "it's" && changes[0].limit == "ccl")
        let all = try history.events("garage", from: 0, to: .infinity)
        #expect(all.map(\.text) == (0..<5).map { "event \($0)" })
        // The next hour that closes removes what is too much.
        _ = HistoryHarness.fill(history, from: Self.start, count: 1)
        _ = history.commit(at: Self.start + 3_600)
        #expect(try history.events("garage", from: 0, to: .infinity).map(\.text) == (2..<5).map { "event \($0)" })
        #expect(try history.changes("garage", from: 0, to: .infinity).count == 4)
    }

    @Test("Reports, commits and questions come from three threads")
    func threads() throws {
        let history = harness.open()
        _ = history.open()
        let (reported, asked) = (EventDescriptor(), EventDescriptor())
        #expect(
            OwnThread.start("reports") {
                for second in 0..<6_000 {
                    history.add(
                        HistorySample(time: HistoryHarness.start + Double(second), values: [.voltage: 53]), of: "garage"
                    )
                }
                reported.set()
            })
        let failures = Lock(0)
        #expect(
            OwnThread.start("questions") {
                for _ in 0..<200 {
                    let plot = try? HistoryHarness.voltages(
                        history, from: HistoryHarness.start, to: HistoryHarness.start + 6_000, points: 100)
                    if plot?.allSatisfy({ $0 == nil || $0 == 53 }) != true { failures.withLock { $0 += 1 } }
                }
                asked.set()
            })
        for _ in 0..<100 { #expect(history.commit(at: Self.start).isEmpty) }
        #expect(reported.wait(seconds: 300) && asked.wait(seconds: 300))
        #expect(history.commit(at: Self.start).isEmpty)
        #expect(failures.withLock { $0 } == 0)
        #expect(try HistoryHarness.samples(harness.path) == 6_000)
    }

    @Test("An export has a line for each row, in parts, and says why it ends early")
    func export() throws {
        let history = harness.open()
        _ = HistoryHarness.fill(history, from: Self.start, count: 6 * 700) { _ in 51.5 }
        history.add(
            HistorySample(time: Self.start + 42_000, values: [.current: -0.05], cells: [3.3, nil]), of: "garage")
        _ = history.commit(at: Self.start + 42_000)
        let lines = Array(history.export("garage", from: Self.start, to: Self.start + 86_400, level: .minutes))
        #expect(lines.count == 702)
        #expect(lines[0].hasPrefix("time,utc,soc_min,soc_mean,soc_max,voltage_min"))
        #expect(lines[0].hasSuffix("energy_in_wh,energy_out_wh,cell_1,cell_2"))
        #expect(lines[1].hasPrefix("1767225600,2026-01-01T00:00:00Z,,,,51.500,51.500,51.500,,,"))
        #expect(lines[701].contains(",-0.05,-0.05,-0.05,") && lines[701].hasSuffix(",,,3.300,"))
        #expect(Set(lines.map { $0.split(separator: ",", omittingEmptySubsequences: false).count }).count == 1)
        #expect(Set(lines.map { $0.prefix(10) }).count == 702)
        let hours = Array(history.export("garage", from: Self.start, to: Self.start + 86_400, level: .hours))
        #expect(hours.count == 13)
        #expect(Array(history.export("other", from: 0, to: 1e10, level: .hours)).count == 1)
        _ = history.close(at: Self.start)
        #expect(Array(history.export("garage", from: 0, to: 1e10, level: .hours)).map { $0.first } == ["#"])
    }

    @Test(
        "An export has a field for each cell of its rows, also after a silence, and 0 Wh only where the counters were read"
    )
    func cellsOfExport() throws {
        let history = harness.open()
        for (minute, cells) in [[3.3, 3.31, 3.32], [], [3.4]].enumerated() {
            let energy = minute == 1 ? nil : 7.0
            let time = Self.start + Double(minute * 60)
            history.add(
                HistorySample(time: time, values: [.voltage: 53], energyIn: energy, energyOut: energy, cells: cells),
                of: "garage")
        }
        _ = history.commit(at: Self.start + 200)
        let lines = Array(history.export("garage", from: Self.start, to: Self.start + 300, level: .minutes))
        #expect(lines.first?.hasSuffix(",energy_in_wh,energy_out_wh,cell_1,cell_2,cell_3") == true)
        for (line, ending) in zip(lines.dropFirst(), [",0,0,3.300,3.310,3.320", ",,,,,", ",0,0,3.400,,"]) {
            #expect(line.hasSuffix(ending), "\(line)")
        }
        let last = Array(history.export("garage", from: Self.start + 60, to: Self.start + 300, level: .minutes))
        #expect(last.first?.hasSuffix(",energy_out_wh,cell_1") == true && last.count == 3)
    }

    @Test("An export of a time of which only less detail is kept says which level has more")
    func gap() throws {
        let history = harness.open { ($0.minutes, $0.samples) = (120, 60) }
        _ = HistoryHarness.fill(history, from: Self.start, count: 5 * 360)
        let begin = Int(Self.start)
        func gap(_ level: HistoryLevel, from hours: Double = 0) throws -> HistoryGap? {
            try history.gap("garage", from: Self.start + 3600 * hours, to: 4e9, level: level)
        }
        #expect(try gap(.minutes) == HistoryGap(end: begin + 3 * 3600, coarser: .hours))
        #expect(try gap(.minutes, from: 3) == nil && gap(.hours) == nil)
        #expect(try gap(.samples) == HistoryGap(end: begin + 5 * 3600 - 600, coarser: .minutes))
        #expect(try gap(.samples, from: 4.9) == nil)
        #expect(try history.gap("other", from: 0, to: 4e9, level: .samples) == nil)
        #expect(
            try history.gap("garage", from: Self.start, to: Self.start + 3600, level: .samples)
                == HistoryGap(end: begin + 5 * 3600 - 600, coarser: .hours))
    }
}

/// Sizes of files.
enum FileSize {
    /// Bytes; 0 where there is no file.
    static func of(_ path: String) -> Int { FileStatus(path: path)?.size ?? 0 }
}
