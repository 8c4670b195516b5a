import CLinux
import Glibc
import HistoryData
import LinuxIO
import TestSupport
import TestThreads
import Testing

@testable import History

@Suite("A history whose file is bad", .waits, .timeLimit(.minutes(10)))
struct BadFileTests {
    private static let start = HistoryHarness.start
    private let harness = HistoryHarness()

    /// Bytes of a file; none where there is no file.
    private static func bytes(_ path: String) -> [UInt8] {
        guard case .success(let file) = RegularFile.read(path, upTo: 1 << 26) else { return [] }
        return file.bytes
    }

    private static func write(_ bytes: some Sequence<UInt8>, _ path: String, at offset: Int? = nil) {
        let descriptor = clinux_open(path, O_WRONLY | O_CREAT | (offset == nil ? O_TRUNC : 0), 0o600)
        let bytes = Array(bytes)
        #expect(pwrite(descriptor, bytes, bytes.count, offset ?? 0) == bytes.count)
        close(descriptor)
    }

    @Test("A process killed in between loses what was not committed, and nothing else")
    func killed() async throws {
        await #expect(processExitsWith: .signal(SIGKILL)) { [path = harness.path as String] in
            let history = History(path, HistoryHarness.options())
            _ = history.open()
            _ = HistoryHarness.fill(history, from: HistoryHarness.start, count: 6 * 100 + 5)
            kill(getpid(), SIGKILL)
        }
        let history = harness.open()
        #expect(history.open().isEmpty)
        #expect(try HistoryHarness.samples(harness.path) == 600)
        // The hour that was not closed is completed, and nothing counts twice.
        _ = HistoryHarness.fill(history, from: Self.start + 6_000, count: 6 * 30)
        #expect(try HistoryHarness.samples(harness.path) == 780)
        let database = try Database(harness.path, readOnly: true)
        #expect(
            try database.blob("SELECT data FROM hours WHERE time = ?1", .integer(Int(Self.start) + 3_600))
                .map(BucketCode.count) == 60)
    }

    @Test("A machine that stopped at any byte of the log leaves whole commits")
    func torn() throws {
        let history = harness.open()
        _ = history.open()
        _ = HistoryHarness.fill(history, from: Self.start, count: 6 * 8)
        let (main, log) = (Self.bytes(harness.path), Self.bytes("\(harness.path)-wal"))
        #expect(log.count > 8 * 4_096)
        var seen: Set<Int> = []
        for length in stride(from: 0, through: log.count, by: 1_999) {
            let copy = HistoryHarness()
            Self.write(main, copy.path)
            Self.write(log[..<length], "\(copy.path)-wal")
            let opened = copy.open()
            #expect(opened.open().isEmpty)
            seen.insert(try HistoryHarness.samples(copy.path))
        }
        #expect(seen.isSubset(of: Set((0...8).map { $0 * 6 })))
        #expect(seen.count > 4)
    }

    @Test("A file that is none of SQLite is set aside, with a sentence, and a new one begins")
    func garbage() throws {
        for round in 1...7 {
            Self.write(String(repeating: "no database \(round) ", count: 500).utf8, harness.path)
            let history = harness.open()
            let said = history.open()
            #expect(said.count == 1)
            #expect(said.first?.contains("is damaged: it is now") == true)
            #expect(HistoryHarness.fill(history, from: Self.start, count: 12).isEmpty)
            #expect(try HistoryHarness.samples(harness.path) == 12)
            #expect(history.close(at: Self.start).isEmpty)
        }
        #expect(Self.bytes("\(harness.path).bad").starts(with: "no database 1".utf8))
        #expect(Self.bytes("\(harness.path).bad5").starts(with: "no database 7".utf8))
        #expect(!HistoryHarness.exists("\(harness.path).bad6"))
    }

    @Test("Damage that a question finds: the file is set aside with the next commit, and questions go on")
    func damagedTable() throws {
        let first = harness.open()
        _ = HistoryHarness.fill(first, from: Self.start, count: 6 * 300)
        _ = first.close(at: Self.start + 18_000)
        let size = FileSize.of(harness.path)
        for page in stride(from: 8_192 + 2_048 * 4, to: size, by: 4_096) {
            Self.write([UInt8](repeating: 0x5A, count: 4_096), harness.path, at: page)
        }
        let history = harness.open()
        var said = history.open()
        #expect(throws: HistoryFailure.self) {
            _ = try HistoryHarness.voltages(history, from: Self.start, to: Self.start + 18_000)
            _ = try history.events("garage", from: 0, to: .infinity)
            _ = try history.changes("garage", from: 0, to: .infinity)
            _ = try history.days("garage", from: 0, to: .infinity)
        }
        history.add(HistorySample(time: Self.start + 20_000, values: [.voltage: 54]), of: "garage")
        said += history.commit(at: Self.start + 20_000)
        #expect(said.contains { $0.contains("is damaged: it is now \(harness.path).bad") })
        #expect(history.status.failure == nil)
        said = history.commit(at: Self.start + 20_060)
        #expect(said.isEmpty)
        #expect(
            try HistoryHarness.voltages(history, from: Self.start + 20_000, to: Self.start + 20_060, points: 1)
                .contains(54))
    }

    /// Every column with a number, and numbers that no release writes into it.
    private static let numbers = [
        ("pending", "time"), ("minutes", "time"), ("samples", "time"), ("hours", "time"), ("days", "time"),
        ("changes", "time"), ("changes", "value"), ("events", "time"), ("batteries", "samples"),
        ("batteries", "minutes"), ("batteries", "energyIn"), ("batteries", "energyInTime"), ("batteries", "id"),
    ].flatMap { column in [Int.min, 1_000, Int.max].map { (column.0, column.1, $0) } }

    @Test("Numbers of a damaged file end nothing, and what comes after them is kept", arguments: numbers)
    func damagedNumber(table: String, column: String, number: Int) throws {
        func play(_ history: History, from begin: Double, hasEnergy: Bool = true) {
            for index in 0..<150 {
                let time = begin + Double(index) * 60
                let sample = HistorySample(
                    time: time, values: [.voltage: 53], energyIn: hasEnergy ? 1_000 + Double(index) : nil)
                history.add(sample, of: "garage")
                history.add(LimitChange(time: time, limit: "ccl", value: 80, name: "a", sentence: "b"), of: "garage")
                history.add(HistoryEvent(time: time, kind: "a", text: "b"), of: "garage")
                if index % 25 == 24 { said += history.commit(at: time) }
            }
        }
        var said: [String] = []
        let first = harness.open()
        play(first, from: Self.start + 1_800)
        _ = first.close(at: Self.start + 10_790)
        let database = try Database(harness.path, readOnly: false)
        for order in ["DESC", "ASC"] {
            let row =
                table == "batteries" ? "" : "WHERE time = (SELECT time FROM \(table) ORDER BY time \(order) LIMIT 1)"
            try database.run("UPDATE OR REPLACE \(table) SET \(column) = \(number) \(row)")
        }
        // The minutes of an hour that is open go with it, so that closing it has something to do.
        if table == "pending" { try database.run("UPDATE OR REPLACE minutes SET time = \(number)") }
        let history = harness.open { ($0.samples, $0.minutes, $0.changes, $0.events) = (100, 100, 100, 100) }
        said = history.open()
        let begin = Self.start + 14_400
        play(history, from: begin, hasEnergy: !column.hasPrefix("energy"))
        #expect(history.status.failure == nil, "\(said)")
        for (from, to) in [(Self.start, begin + 10_800), (0, Double.infinity), (-1e300, 1e300)] {
            _ = try HistoryHarness.voltages(history, from: from, to: to)
            _ = try history.events("garage", from: from, to: to)
            _ = try history.changes("garage", from: from, to: to)
            _ = try history.days("garage", from: from, to: to)
            _ = try history.batteries()
        }
        // A sample without readings leaves the counters of the file as they are.
        history.add(HistorySample(time: begin + 9_000, values: [.voltage: 53]), of: "garage")
        said += history.commit(at: begin + 9_000)
        #expect(history.status.failure == nil, "\(said)")
        let voltages = try HistoryHarness.voltages(history, from: begin + 7_200, to: begin + 8_400, points: 20)
        #expect(voltages.contains(53), "\(said)")
        said = history.close(at: begin + 10_800)
        #expect(said.isEmpty)
    }

    @Test("A file of a newer release is set aside, one of an older release is brought up to date")
    func versions() throws {
        let old = harness.open()
        _ = HistoryHarness.fill(old, from: Self.start, count: 6)
        _ = old.close(at: Self.start + 60)
        // Today's release is the older one.
        let newer = Schema(steps: Schema.current.steps + [["CREATE TABLE more (a INTEGER)"]])
        let next = History(HistoryFile(path: harness.path, schema: newer), HistoryHarness.options())
        #expect(next.open().isEmpty)
        #expect(try HistoryHarness.samples(harness.path) == 6)
        #expect(try Database(harness.path, readOnly: true).integer("SELECT count(*) FROM more") == 0)
        _ = next.close(at: Self.start + 60)
        let history = harness.open()
        let said = history.open()
        #expect(said.first?.contains("was written by a newer release: it is now") == true)
        #expect(try HistoryHarness.samples(harness.path) == 0)
        #expect(try HistoryHarness.samples("\(harness.path).bad") == 6)
    }

    @Test("A file that says a version which it does not have is set aside", arguments: [-1, Int(Int32.min), 0, 1])
    func falseVersion(version: Int) throws {
        let old = harness.open()
        _ = HistoryHarness.fill(old, from: Self.start, count: 6)
        _ = old.close(at: Self.start + 60)
        try Database(harness.path, readOnly: false).run("PRAGMA user_version = \(version)")
        let history = harness.open()
        let said = history.open()
        #expect(said.count == 1)
        #expect(said.first?.contains("is damaged: it is now \(harness.path).bad") == true, "\(said)")
        #expect(HistoryHarness.fill(history, from: Self.start, count: 12).isEmpty)
        #expect(try HistoryHarness.samples(harness.path) == 12)
    }

    @Test(
        "A file without what its version has is set aside",
        arguments: ["ALTER TABLE batteries DROP COLUMN lifetimeIn", "DROP TABLE batteries"])
    func incomplete(statement: String) throws {
        let old = harness.open()
        _ = HistoryHarness.fill(old, from: Self.start, count: 6)
        _ = old.close(at: Self.start + 60)
        try Database(harness.path, readOnly: false).run(statement)
        let history = harness.open()
        let said = history.open()
        #expect(said.first?.contains("is damaged: it is now \(harness.path).bad") == true, "\(said)")
        #expect(HistoryHarness.fill(history, from: Self.start, count: 12).isEmpty)
        #expect(try HistoryHarness.samples(harness.path) == 12)
    }

    @Test("A step that fails leaves the file as it was")
    func failedStep() throws {
        let old = harness.open()
        _ = HistoryHarness.fill(old, from: Self.start, count: 6)
        _ = old.close(at: Self.start + 60)
        let broken = Schema(
            steps: Schema.current.steps + [["CREATE TABLE more (a INTEGER)", "INSERT INTO none VALUES (1)"]])
        let next = History(HistoryFile(path: harness.path, schema: broken), HistoryHarness.options())
        #expect(next.open().count == 1)
        #expect(next.status.failure?.kind == .other)
        _ = next.close(at: Self.start + 60)
        #expect(harness.open().open().isEmpty)
        #expect(try HistoryHarness.samples(harness.path) == 6)
        #expect(!HistoryHarness.exists("\(harness.path).bad"))
    }

    @Test("A database of another program is left alone")
    func foreign() throws {
        Self.write([], harness.path)
        do {
            let other = try Database(harness.path, readOnly: false)
            try other.run("CREATE TABLE states (a INTEGER)")
        }
        let before = Self.bytes(harness.path)
        let history = harness.open()
        #expect(history.open().first?.contains("is a database of another program") == true)
        #expect(history.status.failure?.kind == .foreign)
        _ = history.close(at: Self.start)
        #expect(Self.bytes(harness.path) == before)
        #expect(!HistoryHarness.exists("\(harness.path).bad"))
    }

    @Test("A second process is refused with a sentence, and takes over when the first has ended")
    func twoProcesses() async throws {
        let history = harness.open()
        #expect(history.open().isEmpty)
        await #expect(processExitsWith: .success) { [path = harness.path as String] in
            let second = History(path, HistoryHarness.options())
            let said = second.open() + second.commit(at: HistoryHarness.start)
            #expect(
                said == [
                    "the history is not written: \(path) is written by another process: end it, or name another file for one of the two"
                ])
            #expect(second.status.failure?.kind == .locked)
            #expect(second.status.failures == 2)
            #expect(throws: HistoryFailure.self) { try second.batteries() }
        }
        let second = harness.open()
        #expect(second.open().count == 1)
        _ = history.close(at: Self.start)
        #expect(second.commit(at: Self.start) == ["\(harness.path): the history is being written again"])
    }

    @Test("The file is for its owner alone")
    func rights() {
        let history = harness.open()
        _ = HistoryHarness.fill(history, from: Self.start, count: 6)
        for name in ["", "-wal", ".lock"] {
            var status = stat()
            #expect(stat("\(harness.path)\(name)", &status) == 0 && status.st_mode & 0o077 == 0)
        }
    }

    @Test("A folder, a pipe and a missing folder are no history", arguments: ["folder", "pipe", "none/history"])
    func noFile(name: String) {
        let path = "\(harness.folder.path)/\(name)"
        if name == "folder" { mkdir(path, 0o700) }
        if name == "pipe" { mkfifo(path, 0o600) }
        let history = History(path, HistoryHarness.options())
        #expect(history.open().count == 1)
        #expect(history.commit(at: Self.start).isEmpty)
        #expect(history.status.failures == 2)
    }
}
