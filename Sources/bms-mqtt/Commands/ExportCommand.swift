import BMSCore
import Glibc
import ServiceIO
import Viewer

/// `bms-mqtt export`: the history of the page as CSV.
enum ExportCommand {
    /// 2020-01-01 in seconds since 1970.
    private static let year2020 = 1_577_836_800.0
    private static let levels = ["samples": 10, "minutes": 60, "hours": 3600]

    static let row = CommandRow(
        name: "export", summary: "the history of the page as CSV",
        options: [
            OptionRow(
                name: "--data", kind: .file("FOLDER"), meaning: "folder of the history, as for 'web'", isRequired: true),
            OptionRow(name: "--battery", kind: .text("ID"), meaning: "battery (default: the only one)"),
            OptionRow(
                name: "--from", kind: .text("TIME"),
                meaning: "first moment: 2026-11-30 (local midnight) or seconds since 1970 (default: the oldest)"),
            OptionRow(name: "--to", kind: .text("TIME"), meaning: "the moment after the last (default: now)"),
            OptionRow(
                name: "--detail", kind: .choice("WORD", ["samples", "minutes", "hours"]),
                meaning: "rows of ten seconds, of a minute (default) or of an hour"),
        ],
        details: """
            Prints one line for each row, with the names of the fields first: time, lowest, mean and highest of each value, energy, cells.
            docs/web.md has their units. A field is empty where nothing is known. It may run while the page does.
            Rows with more detail are kept for a shorter time: a line on standard error says where --detail hours, or minutes, has more.
            """,
        examples: [
            "bms-mqtt export --data ./history --battery garage --from 2026-11-01 --to 2026-12-01 > november.csv"
        ],
        work: .plain(start))

    private static func start(_ arguments: Arguments) throws(CommandFailure) -> Int32 {
        var plan = WebPlan()
        plan.folder = arguments.text("--data")
        let from = try arguments.text("--from").map { text throws(CommandFailure) in try time(text, "--from") } ?? 0
        let to = try arguments.text("--to").map { text throws(CommandFailure) in try time(text, "--to") } ?? 4e9
        plan.export = WebPlan.Export(
            battery: arguments.text("--battery"), from: from, to: to,
            level: levels[arguments.text("--detail") ?? "minutes"] ?? 60)
        return plan.start()
    }

    /// Seconds since 1970 of a text like "2026-11-30" or "1796034801".
    static func time(_ text: String, _ option: String) throws(CommandFailure) -> Double {
        // A smaller number is a day without its hyphens, not a time at which there was a history.
        if let seconds = Double(text), seconds.isFinite, seconds >= year2020 { return seconds }
        let parts = text.split(separator: "-", omittingEmptySubsequences: false).map { Int32($0) }
        if parts.count == 3, let year = parts[0], let month = parts[1], let day = parts[2],
            (2000...2100).contains(year), (1...12).contains(month), (1...31).contains(day)
        {
            var date = tm()
            (date.tm_year, date.tm_mon, date.tm_mday, date.tm_isdst) = (year - 1900, month - 1, day, -1)
            let seconds = Double(mktime(&date))
            // The 31st of February has become a day of March.
            if date.tm_mon == month - 1, date.tm_mday == day { return seconds }
        }
        throw .usage(
            "\(option): expected a day like 2026-11-30, or seconds since 1970 (from 2020 on), found '\(text.prefix(40))'"
        )
    }
}
