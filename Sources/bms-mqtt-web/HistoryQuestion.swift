import BMSCore
import BatteryEngine
import HTTPServer
import History
import HistoryData
import JSON
import ServiceIO

/// A question for the history of a battery, as an address asks it.
struct HistoryQuestion: Sendable {
    /// Kinds of questions, by the last parts of their addresses.
    private enum Kind: String { case series, cells, days, months, changes, events }

    private static let nothing = HTTPAnswer.error(404, "there is nothing at this address")

    /// `nil`: there is no such question.
    private let kind: Kind?
    private let history: History
    private let battery: String
    private let query: [String: String]

    /// - Parameter name: the last part of the question's address.
    init(_ name: String, _ history: History, _ battery: String, _ query: [String: String]) {
        (kind, self.history, self.battery, self.query) = (Kind(rawValue: name), history, battery, query)
    }

    private var from: Double { number("from") ?? 0 }
    private var to: Double { number("to") ?? .greatestFiniteMagnitude }

    /// A plot without bounds is that of the last day.
    private var plotTo: Double { number("to") ?? Double(Clock.now().wall) / 1000 }
    private var plotFrom: Double { number("from") ?? plotTo - 86_400 }

    private func number(_ name: String) -> Double? {
        query[name].flatMap(Double.init).flatMap { $0.isFinite ? $0 : nil }
    }

    private func points(_ standard: Int) -> Int {
        min(max(query["points"].flatMap { Int($0) } ?? standard, 1), PlotRange.mostPoints)
    }

    /// Names of the series that are asked for.
    private var names: [Substring] {
        (query["series"] ?? "soc").split(separator: ",", omittingEmptySubsequences: false)
    }

    /// The complaint about a parameter of the question; `nil`: there is none.
    private var complaint: String? {
        for name in ["from", "to"] where query[name] != nil && number(name) == nil {
            return "\(name): expected seconds since 1970, found '\(shown(name))'"
        }
        if let text = query["points"], (Int(text) ?? 0) < 1 {
            return "points: expected a whole number, 1 to \(PlotRange.mostPoints), found '\(shown("points"))'"
        }
        let known = HistoryValue.allCases.map(\.name)
        guard names.allSatisfy({ known.contains(String($0)) }) else {
            return "series: expected some of \(known.joined(separator: ",")), found '\(shown("series"))'"
        }
        return nil
    }

    private func shown(_ name: String) -> String { String((query[name] ?? "").plain.prefix(60)) }

    /// The answer to a question that nobody needs to look up; `nil`: the history has to be asked.
    var refusal: HTTPAnswer? {
        if let complaint { return .error(400, complaint) }
        return kind == nil ? Self.nothing : nil
    }

    /// The answer from the disk to a question that was not refused.
    func answer() -> HTTPAnswer {
        guard let kind else { return Self.nothing }
        var writer = JSONWriter(reserving: 65_536)
        writer.beginObject()
        do throws(HistoryFailure) {
            switch kind {
            case .series: try series(&writer)
            case .cells: try cells(&writer)
            case .days: periods("days", try history.days(battery, from: from, to: to), &writer)
            case .months: periods("months", try history.months(battery, from: from, to: to), &writer)
            case .changes:
                writer.key("changes")
                list(try history.changes(battery, from: from, to: to), &writer) { change, writer in
                    writer.member("time", change.time)
                    writer.member("limit", change.limit)
                    writer.member("value", optional: change.value)
                    writer.member("name", change.name)
                    writer.member("sentence", change.sentence)
                }
            case .events:
                writer.key("events")
                list(try history.events(battery, from: from, to: to), &writer) { event, writer in
                    writer.member("time", event.time)
                    writer.member("event", event.kind)
                    writer.member("text", event.text)
                }
            }
        } catch {
            return .error(503, "the history cannot be read: \(error)")
        }
        writer.endObject()
        return .json(writer.bytes)
    }

    private func series(_ writer: inout JSONWriter) throws(HistoryFailure) {
        let names = Set(names)
        let values = HistoryValue.allCases.filter { names.contains($0.name[...]) }
        let series = try history.series(battery, values, from: plotFrom, to: plotTo, points: points(800))
        writer.member("from", series.from)
        writer.member("to", series.to)
        writer.member("step", series.step)
        writer.key("time")
        numbers(series.time, &writer)
        writer.key("series")
        writer.beginObject()
        for line in series.lines {
            writer.key(line.value.name)
            writer.beginObject()
            for (name, row) in [("min", line.min), ("mean", line.mean), ("max", line.max)] {
                writer.key(name)
                numbers(row, &writer)
            }
            writer.endObject()
        }
        writer.endObject()
    }

    private func cells(_ writer: inout JSONWriter) throws(HistoryFailure) {
        let cells = try history.cells(battery, from: plotFrom, to: plotTo, points: points(400))
        writer.key("time")
        numbers(cells.time, &writer)
        writer.key("cells")
        writer.beginArray()
        for cell in cells.voltages { numbers(cell, &writer) }
        writer.endArray()
    }

    private func periods(_ name: String, _ periods: [HistoryPeriod], _ writer: inout JSONWriter) {
        writer.key(name)
        list(periods, &writer) { period, writer in
            writer.member("time", period.time)
            writer.member("date", period.date)
            writer.member("energyIn", optional: period.energyIn)
            writer.member("energyOut", optional: period.energyOut)
            writer.member("resistance", optional: period.resistance)
            writer.member("spread", optional: period.spread)
            writer.member("weakestCell", optional: period.weakestCell.map(Double.init))
            for (name, cells) in [("atRest", period.atRest), ("atFull", period.atFull)] {
                writer.key(name)
                if let cells { numbers(cells, &writer) } else { writer.null() }
            }
        }
    }

    private func list<Item>(_ items: [Item], _ writer: inout JSONWriter, _ write: (Item, inout JSONWriter) -> Void) {
        writer.beginArray()
        for item in items {
            writer.beginObject()
            write(item, &writer)
            writer.endObject()
        }
        writer.endArray()
    }

    private func numbers(_ numbers: [Double?], _ writer: inout JSONWriter) {
        writer.beginArray()
        // Stored values have three decimals at most; a mean has more, which nobody sees.
        for number in numbers {
            if let number { writer.value((number * 1000).rounded() / 1000) } else { writer.null() }
        }
        writer.endArray()
    }
}
