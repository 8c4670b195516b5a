import History
import HistoryData
import ServiceIO
import Viewer

/// `bms-mqtt export`: a part of the history as CSV, while the page may be writing it.
enum HistoryPrinter {
    /// Prints it.
    ///
    /// - Returns: the exit code.
    static func run(_ export: WebPlan.Export, _ folder: String) -> Int32 {
        Signals.release()
        let path = WebService.file(in: folder)
        let history = History(reading: path)
        do throws(HistoryFailure) {
            let known = try history.batteries().map(\.id)
            guard let battery = export.battery ?? (known.count == 1 ? known.first : nil), known.contains(battery) else {
                Console.complain(
                    known.isEmpty
                        ? "\(path) holds no battery"
                        : "--battery: the history has \(known.prefix(50).joined(separator: ", ")): name one of them")
                return 2
            }
            let level = HistoryLevel(rawValue: export.level) ?? .minutes
            if let gap = try history.gap(battery, from: export.from, to: export.to, level: level) {
                Console.complain(note(gap, level))
            }
            for line in history.export(battery, from: export.from, to: export.to, level: level) {
                // The last line of an export that broke off.
                if line.hasPrefix("#") {
                    Console.complain(String(line.dropFirst(2)))
                    return 1
                }
                guard Console.write("\(line)\n") else { return 0 }
            }
            return 0
        } catch {
            Console.complain("\(error)")
            return 1
        }
    }

    /// A line about rows that are not there.
    static func note(_ gap: HistoryGap, _ level: HistoryLevel) -> String {
        let beginning = gap.end.map { "\(level) begin at \(CSVRows.utc($0))" }
        return "\(beginning ?? "there are no \(level)"); --detail \(gap.coarser) has more"
    }
}
