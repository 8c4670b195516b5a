import CLinux
import Glibc
import History
import HistoryData
import LinuxIO
import TestSupport

/// A year of one pack of 16 cells in a history, a sample every ten seconds and a hundred changes of a limit a day: its size, the time of
/// questions, and what a commit writes.
enum HistoryYear {
    private static let days = 365

    static func run() {
        let folder = TemporaryFolder()
        let path = "\(folder.path)/history.sqlite"
        var options = HistoryOptions()
        options.days = .utc
        let history = History(path, options)
        for sentence in history.open() { print("| history | \(sentence) |") }
        var pack = PackYear()
        let end = PackYear.start + days * 86_400
        let began = MonotonicTime.seconds()
        // The last day in commits of a minute, as they are in life; those before in commits of an hour.
        let lastDay = end - 86_400
        fill(history, &pack, from: PackYear.start, to: lastDay, every: 3_600)
        print("| history: \(days) days filled | \(Int(MonotonicTime.seconds() - began)) s |")
        let (before, start) = (written(), MonotonicTime.seconds())
        fill(history, &pack, from: lastDay, to: end, every: 60)
        let perCommit = (MonotonicTime.seconds() - start) / 1_440
        print("| history: a minute, with its commit | \(milliseconds(perCommit)) |")
        print("| history: written in a day | \((written() - before) / 1_000_000) MB |")
        questions(history, Double(end))
        _ = history.close(at: Double(end))
        print("| history: size of a year | \((FileStatus(path: path)?.size ?? 0) / 1_000_000) MB |")
    }

    private static func fill(_ history: History, _ pack: inout PackYear, from: Int, to: Int, every: Int) {
        for time in stride(from: from, to: to, by: 10) {
            history.add(pack.sample(at: Double(time)), of: "garage")
            if time % 860 == 0 { history.add(pack.change(at: Double(time)), of: "garage") }
            if (time + 10) % every == 0 {
                for sentence in history.commit(at: Double(time + 10)) { print("| history | \(sentence) |") }
            }
        }
    }

    private static func questions(_ history: History, _ end: Double) {
        let day = 86_400.0
        for (name, length, points) in [
            ("a year", 365 * day, 800), ("a month", 30 * day, 800), ("a week", 7 * day, 800),
            ("two days", 2 * day, 800),
            ("an hour", 3_600, 800), ("80 days, 2000 points", 80 * day, 2_000),
        ] {
            measure("series of \(name)") {
                _ = try? history.series(
                    "garage", HistoryValue.allCases, from: end - length, to: end, points: points)
            }
            measure("cells of \(name)") {
                _ = try? history.cells("garage", from: end - length, to: end, points: min(points, 400))
            }
        }
        measure("months of a year") { _ = try? history.months("garage") }
        measure("days of a year") { _ = try? history.days("garage", from: end - 365 * day, to: end) }
        measure("changes of a month") { _ = try? history.changes("garage", from: end - 30 * day, to: end) }
        measure("export of minutes, a week") {
            _ = history.export("garage", from: end - 7 * day, to: end, level: .minutes).reduce(0) { $0 + $1.utf8.count }
        }
    }

    private static func measure(_ name: String, _ body: () -> Void) {
        let times = (0..<3).map { _ in
            let start = MonotonicTime.seconds()
            body()
            return MonotonicTime.seconds() - start
        }
        print("| history: \(name), first and best | \(milliseconds(times[0])), \(milliseconds(times.min() ?? 0)) |")
    }

    private static func milliseconds(_ seconds: Double) -> String { "\((seconds * 10_000).rounded() / 10) ms" }

    /// Bytes that this process gave to disks.
    private static func written() -> Int {
        guard case .success(let file) = RegularFile.read("/proc/self/io", upTo: 4_096) else { return 0 }
        let lines = String(decoding: file.bytes, as: UTF8.self).split(separator: "\n")
        return lines.first { $0.hasPrefix("write_bytes:") }.flatMap { Int($0.dropFirst(13)) } ?? 0
    }
}
