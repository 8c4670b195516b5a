import Glibc
import HistoryData
import LinuxIO
import TestSupport

@testable import History

/// A history in a folder of its own, with days of UTC.
struct HistoryHarness {
    /// 2026-01-01, seconds since 1970.
    static let start = 1_767_225_600.0

    let folder = TemporaryFolder()
    var path: String { "\(folder.path)/history.sqlite" }

    static func options(_ change: (inout HistoryOptions) -> Void = { _ in }) -> HistoryOptions {
        var options = HistoryOptions()
        options.days = .utc
        change(&options)
        return options
    }

    func open(_ change: (inout HistoryOptions) -> Void = { _ in }) -> History { History(path, Self.options(change)) }

    /// Samples with one voltage each, some seconds apart, and a commit after each minute.
    static func fill(
        _ history: History, from: Double, count: Int, every seconds: Double = 10, voltage: (Int) -> Double = { _ in 53 }
    ) -> [String] {
        var sentences: [String] = []
        for index in 0..<count {
            let time = from + Double(index) * seconds
            history.add(HistorySample(time: time, values: [.voltage: voltage(index)]), of: "garage")
            if Int(time + seconds) / 60 > Int(time) / 60 { sentences += history.commit(at: time + seconds) }
        }
        return sentences
    }

    /// Mean voltages of a time.
    static func voltages(_ history: History, from: Double, to: Double, points: Int = 800) throws -> [Double?] {
        try history.series("garage", [.voltage], from: from, to: to, points: points).lines[0].mean
    }

    /// The number of samples that the minutes of a file are made of.
    static func samples(_ path: String) throws -> Int {
        var count = 0
        try Database(path, readOnly: false).each("SELECT data FROM minutes", []) { row in
            count += BucketCode.count(row.blob(0))
        }
        return count
    }

    static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }
}
