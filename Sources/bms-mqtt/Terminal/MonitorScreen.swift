import BMSCore
import BatteryEngine
import JSON
import MQTTBridge
import Viewer

/// The live view as lines of text, a pure function of the model and the size of the window.
struct MonitorScreen {
    var columns: Int
    var rows: Int
    /// Bars have block characters; else plain ASCII.
    var isUnicode: Bool
    /// Lines have escape sequences for colour.
    var hasColour: Bool

    /// The whole view, at most ``rows`` lines of at most ``columns`` characters: a list where there are several batteries, and the page
    /// of one.
    ///
    /// - Parameters:
    ///   - selected: id of the battery to show; `nil`, and an unknown one: the first.
    ///   - header: lines above everything.
    ///   - footer: lines below everything.
    func lines(
        _ model: ReaderModel, selected: String? = nil, header: [String] = [], footer: [String],
        at now: ReaderModel.Instant
    ) -> [String] {
        let foot = footer.flatMap { StyledText.wrap($0, columns) }
        var lines = header.flatMap { StyledText.wrap($0, columns) }
        let batteries = model.sorted
        if let chosen = batteries.first(where: { $0.id == selected }) ?? batteries.first {
            if batteries.count > 1 { lines += list(model, chosen.id, at: now) + [""] }
            let room = max(1, rows - foot.count - lines.count - 1)
            let page = BatteryPage(
                screen: self, id: chosen.id, pack: chosen.pack, view: model.view(chosen.pack, at: now))
            lines += page.lines(room)
        } else {
            lines += StyledText.wrap("bridge \(model.bridgeStatus), no pack seen yet under \(model.base)/", columns)
        }
        let room = max(1, rows - foot.count)
        if lines.count > room { lines = Array(lines.prefix(max(0, room - 1))) + ["... (a taller window shows more)"] }
        return (lines + foot).prefix(max(rows, 1)).map { StyledText.clip($0, columns, hasColour: hasColour) }
    }

    /// A line for each battery, banks first, with its alarms below it; around the chosen one if there are many.
    private func list(_ model: ReaderModel, _ chosen: String, at now: ReaderModel.Instant) -> [String] {
        let batteries = model.sorted
        let most = max(3, rows / 3)
        let place = batteries.firstIndex { $0.id == chosen } ?? 0
        let first = max(0, min(place - most / 2, batteries.count - most))
        var lines: [String] = []
        for (id, pack) in batteries[first..<min(batteries.count, first + most)] {
            let view = model.view(pack, at: now)
            let mark = id == chosen ? ">" : " "
            let line =
                "\(mark) \(String((pack.name ?? id).prefix(16)).rightPadded(16)) \(Self.short(view, pack, columns))"
            lines.append(id == chosen ? StyledText.bold(line) : line)
            if !view.alarms.isEmpty {
                lines += StyledText.labelled("    ALARM: ", 11, view.alarmTitles.joined(separator: ", "), columns)
                    .map(StyledText.warning)
            }
        }
        if batteries.count > most { lines.append("  \(place + 1) of \(batteries.count)") }
        return lines
    }

    private static func short(_ view: ReaderModel.View, _ pack: ReaderModel.Pack, _ columns: Int) -> String {
        if let fault = view.faultText { return StyledText.warning("nothing valid: \(fault)") }
        let state = view.state
        var parts = [number(state, "Soc", 0, "%").leftPadded(5)]
        if columns >= 80 {
            parts += [
                number(state, "Dc.Voltage", 2, "V").leftPadded(8),
                number(state, "Dc.Current", 1, "A", signed: true).leftPadded(9),
            ]
        }
        parts += [LimitName.ccl, .dcl].map { "\($0.title) \($0.value(view.limits))".leftPadded(12) }
        if columns >= 100 { parts.append(pack.isBank ? "bank, \(view.mode)" : view.mode) }
        return parts.joined(separator: "  ")
    }

    /// One line for a pack, for logs and pipes.
    static func summary(_ id: String, _ view: ReaderModel.View) -> String {
        if let fault = view.faultText { return "\(id): nothing valid: \(fault)".plain }
        let state = view.state
        let limits = LimitName.allCases.map { "\($0.title) \($0.value(view.limits))" }.joined(separator: " ")
        var text =
            "\(id) \(view.status) \(view.mode) \(number(state, "Dc.Voltage", 2, "V")) "
            + "\(number(state, "Dc.Current", 1, "A", signed: true)) SoC \(number(state, "Soc", 0, "%")) cells "
            + "\(number(state, "System.MinCellVoltage", 3, "V"))..\(number(state, "System.MaxCellVoltage", 3, "V")) | "
            + limits
        if let reason = LimitName.ccl.reason(view.limits) { text += " | CCL: \(reason)" }
        if !view.alarms.isEmpty { text += " | ALARM: \(view.alarms.joined(separator: ", "))" }
        return text.plain
    }

    /// A number without needless decimals, like "20" or "0.5".
    static func plain(_ number: Double) -> String {
        number == number.rounded() && number.magnitude < 1e9 ? "\(Int(number))" : "\(number)"
    }

    /// A value of a document with its unit.
    static func number(
        _ state: JSONValue, _ path: String, _ decimals: Int, _ unit: String, signed: Bool = false
    ) -> String {
        guard let value = state[path]?.number, value.magnitude < 1e9 else { return "- \(unit)" }
        let text = FixedPoint.text(thousandths: Int((value * 1000).rounded()), decimals: decimals)
        return "\(signed && value > 0 ? "+" : "")\(text) \(unit)"
    }
}
