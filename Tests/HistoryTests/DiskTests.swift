import CLinux
import Glibc
import HistoryData
import LinuxIO
import TestSupport
import TestThreads
import Testing

@testable import History

@Suite("A history and its disk", .calculates, .timeLimit(.minutes(10)))
struct DiskTests {
    private static let start = HistoryHarness.start
    private let harness = HistoryHarness()

    /// Sets the size that files of this process can have; larger writes fail as on a full disk.
    private static func limitFiles(_ bytes: UInt?) {
        signal(SIGXFSZ, SIG_IGN)
        var limit = rlimit()
        getrlimit(__rlimit_resource_t(1), &limit)
        limit.rlim_cur = bytes ?? limit.rlim_max
        setrlimit(__rlimit_resource_t(1), &limit)
    }

    /// A small disk in memory; `nil`: this machine lets nobody mount one.
    private final class SmallDisk {
        let folder = TemporaryFolder()

        init?(kilobytes: Int) {
            guard geteuid() == 0, let mount = ProgramStart.find("mount"),
                ChildProcess(mount, ["-t", "tmpfs", "-o", "size=\(kilobytes)k", "tmpfs", folder.path])?.exitCode() == 0
            else { return nil }
        }

        deinit {
            guard let unmount = ProgramStart.find("umount") else { return }
            _ = ChildProcess(unmount, ["-l", folder.path])?.exitCode()
        }
    }

    @Test("A real disk that is full, and then has room", arguments: [true, false])
    func fullDisk(isOpen: Bool) throws {
        guard let disk = SmallDisk(kilobytes: 600) else { return }
        let path = "\(disk.folder.path)/history.sqlite"
        let history = History(path, HistoryHarness.options())
        if isOpen { #expect(HistoryHarness.fill(history, from: Self.start, count: 60).isEmpty) }
        let filler = clinux_open("\(disk.folder.path)/filler", O_WRONLY | O_CREAT, 0o600)
        let bytes = [UInt8](repeating: 1, count: 4_096)
        while write(filler, bytes, bytes.count) > 0 {}
        close(filler)
        #expect(
            HistoryHarness.fill(history, from: Self.start + 600, count: 120)
                == ["the history is not written: \(path): the disk is full: make room; the newest data waits in memory"]
        )
        #expect(history.status.failure?.kind == .full)
        #expect(history.status.failures == 20)
        unlink("\(disk.folder.path)/filler")
        #expect(history.commit(at: Self.start + 1_800) == ["\(path): the history is being written again"])
        #expect(try HistoryHarness.samples(path) == (isOpen ? 180 : 120))
        #expect(!HistoryHarness.exists("\(path).bad"))
    }

    @Test("When files cannot grow, nothing is lost that memory can hold, and all is written when there is room")
    func full() async {
        await #expect(processExitsWith: .success) { [path = harness.path as String] in
            let start = HistoryHarness.start
            let history = History(path, HistoryHarness.options())
            _ = history.open()
            #expect(HistoryHarness.fill(history, from: start, count: 60).isEmpty)
            DiskTests.limitFiles(UInt(FileSize.of("\(path)-wal")))
            let said = HistoryHarness.fill(history, from: start + 600, count: 6 * 200)
            #expect(said.count == 1)
            #expect(history.status.failure != nil)
            #expect(history.status.failures == 200)
            // What was written can still be read.
            let plot = try HistoryHarness.voltages(history, from: start, to: start + 600, points: 10)
            #expect(plot.allSatisfy { $0 == 53 })
            DiskTests.limitFiles(nil)
            #expect(history.commit(at: start + 12_600) == ["\(path): the history is being written again"])
            #expect(history.status.failure == nil)
            let samples = try HistoryHarness.samples(path)
            #expect(samples == 60 + 6 * 200)
            #expect(history.status.dropped == 0)
        }
    }

    @Test(
        "A disk that is full at the start, or fills while hours are closed, is waited for",
        arguments: [0, 5_000, 30_000, 60_000])
    func fullAnywhere(bytes: Int) async {
        await #expect(processExitsWith: .success) { [path = harness.path as String, bytes] in
            let start = HistoryHarness.start
            DiskTests.limitFiles(UInt(bytes))
            let history = History(path, HistoryHarness.options())
            var said = history.open()
            said += HistoryHarness.fill(history, from: start, count: 6 * 70)
            #expect(!said.isEmpty)
            #expect(said.count < 5)
            #expect(!said.contains { $0.contains("damaged") })
            DiskTests.limitFiles(nil)
            #expect(history.commit(at: start + 4_200).count == 1)
            let samples = try HistoryHarness.samples(path)
            #expect(samples == 6 * 70)
        }
    }

    @Test("A folder that cannot be written is reported once, and used when it can", .enabled(if: geteuid() == 0))
    func readOnly() async {
        await #expect(processExitsWith: .success) {
            [path = harness.path as String, folder = harness.folder.path as String] in
            let start = HistoryHarness.start
            chmod(folder, 0o755)
            seteuid(65_534)
            let history = History(path, HistoryHarness.options())
            let said = HistoryHarness.fill(history, from: start, count: 60)
            #expect(said.count == 1)
            #expect(said.first?.contains("allow this user to write the file and its folder") == true)
            #expect(history.status.failure?.kind == .readOnly)
            seteuid(0)
            chmod(folder, 0o777)
            seteuid(65_534)
            #expect(history.commit(at: start + 600).count == 1)
            let samples = try HistoryHarness.samples(path)
            #expect(samples == 60)
            _ = history.close(at: start + 600)
            // The file is there, and somebody took the right away.
            seteuid(0)
            chmod(path, 0o400)
            chown(path, 0, 0)
            seteuid(65_534)
            let next = History(path, HistoryHarness.options())
            #expect(next.open().first?.contains("allow this user to write") == true)
        }
    }

    @Test("A file above its size loses its oldest samples first, then minutes, then words, and becomes smaller")
    func size() throws {
        let history = harness.open { $0.mostBytes = 0 }
        let most = HistoryHarness.options { $0.mostBytes = 0 }.fileBytes
        #expect(most == HistoryOptions.leastBytes - 2 * HistoryFile.logBytes)
        _ = history.open()
        var largest = 0
        var random = SeededRandom(5)
        for minute in 0..<12_000 {
            let time = Self.start + Double(minute * 60)
            let cells: [Double?] = (0..<255).map { _ in Double.random(in: 2...4, using: &random) }
            history.add(
                HistorySample(
                    time: time, values: [.voltage: 50], cells: cells, temperatures: cells.map { $0.map { $0 * 20 } }),
                of: "garage")
            if minute % 10 == 0 { history.add(HistoryEvent(time: time, kind: "a", text: "\(minute)"), of: "garage") }
            if minute % 20 == 19 {
                #expect(history.commit(at: time + 60).isEmpty)
                largest = max(largest, FileSize.of(harness.path))
            }
        }
        #expect(largest < most + most / 10)
        let database = try Database(harness.path, readOnly: true)
        #expect(try database.integer("SELECT count(*) FROM samples") ?? 0 < 3_000)
        let minutes = try database.integer("SELECT count(*) FROM minutes") ?? 0
        #expect(minutes > 5_000 && minutes < 12_000)
        #expect(try database.integer("SELECT minutes FROM batteries") == minutes)
        #expect(try database.integer("SELECT max(time) FROM minutes") == Int(Self.start) + 11_999 * 60)
        #expect(try database.integer("SELECT count(*) FROM hours") == 200)
        #expect(try history.events("garage", from: 0, to: .infinity).count == 1_200)
        // Plots go back to the beginning: hours are all there.
        let plot = try HistoryHarness.voltages(history, from: Self.start, to: Self.start + 12_000 * 60, points: 200)
        #expect(plot.allSatisfy { $0 == 50 })
        // A smaller bound, when nothing but words and hours is left.
        let writable = try Database(harness.path, readOnly: false)
        try Retention(writable, HistoryHarness.options()).shrink(to: 250_000)
        #expect(try writable.integer("SELECT count(*) FROM minutes") == 0)
        #expect(try writable.integer("SELECT count(*) FROM hours") == 200)
        #expect(FileSize.of(harness.path) < 400_000)
        try Retention(writable, HistoryHarness.options()).shrink(to: 0)
        #expect(try writable.integer("SELECT count(*) FROM events") == 0)
        #expect(try writable.integer("SELECT count(*) FROM hours") == 0)
    }

    @Test("A file of free pages becomes smaller where it is above its size, and keeps what it holds")
    func freePages() throws {
        let history = harness.open()
        _ = HistoryHarness.fill(history, from: Self.start, count: 12)
        _ = history.close(at: Self.start + 120)
        let database = try Database(harness.path, readOnly: false)
        for time in 0..<300 {
            try database.run(
                "INSERT INTO samples VALUES (99, ?1, ?2)", .integer(time), .blob([UInt8](repeating: 1, count: 4_000)))
        }
        try database.run("DELETE FROM samples WHERE battery = 99")
        _ = try database.integer("PRAGMA wal_checkpoint(TRUNCATE)")
        let size = FileSize.of(harness.path)
        #expect(size > 1_000_000)
        try Retention(database, HistoryHarness.options()).shrink(to: size)
        #expect(FileSize.of(harness.path) == size, "there is room")
        try Retention(database, HistoryHarness.options()).shrink(to: 500_000)
        #expect(FileSize.of(harness.path) < 200_000)
        #expect(try HistoryHarness.samples(harness.path) == 12)
    }

    @Test("A clock that goes back repeats minutes: they are merged, and nothing is lost or counted twice")
    func back() throws {
        let history = harness.open()
        _ = HistoryHarness.fill(history, from: Self.start, count: 6 * 120) { _ in 50 }
        _ = HistoryHarness.fill(history, from: Self.start + 3_601, count: 6 * 90) { _ in 52 }
        _ = history.commit(at: Self.start + 20_000)
        #expect(try HistoryHarness.samples(harness.path) == 6 * 210)
        let answer = try history.series(
            "garage", [.voltage], from: Self.start, to: Self.start + 10_800, points: 3
        ).lines[0]
        #expect(answer.min == [50, 50, 52])
        #expect(answer.max == [50, 52, 52])
        #expect(answer.mean == [50, 51, 52])
        let database = try Database(harness.path, readOnly: true)
        #expect(try database.integer("SELECT count(*) FROM hours") == 3)
        #expect(try database.integer("SELECT count(*) FROM pending") == 0)
    }

    @Test("A clock that shows 2090 or 1970 for a while destroys nothing")
    func wild() throws {
        let history = harness.open { options in (options.samples, options.minutes) = (360, 120) }
        _ = HistoryHarness.fill(history, from: Self.start, count: 6 * 90) { _ in 50 }
        _ = HistoryHarness.fill(history, from: 3_800_000_000, count: 60) { _ in 51 }
        _ = HistoryHarness.fill(history, from: 0, count: 60) { _ in 1 }
        _ = history.commit(at: 0)
        _ = HistoryHarness.fill(history, from: Self.start + 5_400, count: 6 * 10) { _ in 52 }
        #expect(history.status.dropped == 60)
        let plot = try HistoryHarness.voltages(history, from: Self.start, to: Self.start + 6_000, points: 100)
        #expect(plot.prefix(90).allSatisfy { $0 == 50 })
        #expect(plot.suffix(10).allSatisfy { $0 == 52 })
        #expect(try HistoryHarness.voltages(history, from: 0, to: 1e6, points: 9).allSatisfy { $0 == nil })
    }

    @Test("An hour is not replaced by one of fewer minutes, as after a clock that was set back for months")
    func olderHour() throws {
        let history = harness.open { options in options.minutes = 60 }
        _ = HistoryHarness.fill(history, from: Self.start, count: 6 * 300) { _ in 50 }
        _ = HistoryHarness.fill(history, from: Self.start, count: 6) { _ in 99 }
        _ = history.commit(at: Self.start + 20_000)
        let database = try Database(harness.path, readOnly: true)
        #expect(
            try database.blob("SELECT data FROM hours WHERE time = ?1", .integer(Int(Self.start))).map(BucketCode.count)
                == 60)
    }
}
