import BMSCore
import BatteryEngine
import JSON
import MQTTBridge
import Viewer

/// Everything of one battery as lines of text, the most important first.
struct BatteryPage {
    var screen: MonitorScreen
    var id: String
    var pack: ReaderModel.Pack
    var view: ReaderModel.View

    private var columns: Int { screen.columns }

    /// The page in at most `room` lines where that is possible: cells become one line of bars, then history and cells are left out.
    func lines(_ room: Int) -> [String] {
        let top = title + alarms + measurements + limits + permissions + relays
        let event = pack.events.first.map { StyledText.labelled("  event: ", 9, $0.text, columns, most: 2) } ?? []
        for parts in [[cellTable, history], [cellBars, history], [cellBars], []] {
            let lines = top + parts.flatMap(\.self) + event
            if lines.count <= room { return lines }
        }
        return top + event
    }

    private var title: [String] {
        let name = pack.name ?? id
        // While there is a fault, the last status of the pack may be wrong and is not shown.
        if let fault = view.faultText {
            let lines = StyledText.labelled("  ", 2, "nothing valid: \(fault)", columns)
            return [StyledText.bold(name)] + lines.map(StyledText.warning)
        }
        return [StyledText.bold("\(name)   \(view.status)   \(view.mode)")]
    }

    private var alarms: [String] {
        let alarms = view.alarmTitles
        guard !alarms.isEmpty else { return [] }
        return StyledText.labelled("  ALARM: ", 9, alarms.joined(separator: ", "), columns).map(StyledText.warning)
    }

    private var measurements: [String] {
        let state = view.state
        let soc = state["Soc"]?.number
        let text =
            "\(MonitorScreen.number(state, "Dc.Voltage", 2, "V"))   \(MonitorScreen.number(state, "Dc.Current", 1, "A", signed: true))   "
            + "\(MonitorScreen.number(state, "Dc.Power", 0, "W", signed: true))   SoC \(MonitorScreen.number(state, "Soc", 0, "%")) "
            + bar(soc.map { $0 / 100 }, columns < 70 ? 10 : 20)
        let low = MonitorScreen.number(state, "System.MinCellTemperature", 1, "°C")
        let high = MonitorScreen.number(state, "System.MaxCellTemperature", 1, "°C")
        let temperature = "\(low) to \(high)"
        if text.count + temperature.count + 5 <= columns { return ["  \(text)   \(temperature)"] }
        return ["  \(text)", "  \(temperature)"]
    }

    private var limits: [String] {
        LimitName.allCases.flatMap { limit in
            let name = columns >= 100 ? "\(limit.title) \(limit.meaning.rightPadded(24))" : limit.title
            let label = "  \(name) \(limit.value(view.limits).leftPadded(9))  "
            let lines = StyledText.labelled(label, label.count, limit.reason(view.limits) ?? "", columns, most: 2)
            return [StyledText.bold(String(label.prefix(5))) + lines[0].dropFirst(5)] + lines.dropFirst()
        }
    }

    private var permissions: [String] {
        let words = [("Io.AllowToCharge", "charging"), ("Io.AllowToDischarge", "discharging")].map { path, word in
            guard let number = view.state[path]?.number else { return "\(word) unknown" }
            return "\(word) \(number > 0 ? "permitted" : "NOT permitted")"
        }
        return StyledText.labelled("  BMS: ", 7, words.joined(separator: ", "), columns)
    }

    private var relays: [String] {
        guard case .object(let relays) = view.relays, !relays.isEmpty else { return [] }
        return relays.sorted { $0.key < $1.key }.prefix(8).flatMap { name, relay in
            let position =
                (relay["readBack"]?.flag ?? relay["closed"]?.flag).map { $0 ? "closed" : "open" } ?? "unknown"
            let isAlarm = relay["alarm"]?.flag == true
            let text = "\(position)\(isAlarm ? ", does NOT follow" : ""): \(relay["reason"]?.text ?? "")"
            let lines = StyledText.labelled(
                "  relay \(name.prefix(16)) ", 9 + min(name.count, 16), text, columns, most: 2)
            return isAlarm ? lines.map(StyledText.warning) : lines
        }
    }

    // MARK: Cells

    private struct Cell {
        var number: Int
        var volts: Double?
        var isBalancing: Bool
    }

    private var cells: [Cell] {
        guard case .object(let voltages)? = view.cells["Voltages"], !voltages.isEmpty else { return [] }
        return (1...voltages.count).map { number in
            Cell(
                number: number, volts: voltages["Cell\(number)"]?.number.flatMap { $0.magnitude < 1e6 ? $0 : nil },
                isBalancing: (view.cells["Balances.Cell\(number)"]?.number ?? 0) > 0)
        }
    }

    /// Lowest and highest voltage, and one line that names them.
    private func spread(_ cells: [Cell]) -> (low: Double, high: Double, line: String)? {
        let known = cells.filter { $0.volts != nil }
        guard let low = known.min(by: { ($0.volts ?? 0) < ($1.volts ?? 0) }), let lowest = low.volts,
            let high = known.max(by: { ($0.volts ?? 0) < ($1.volts ?? 0) }), let highest = high.volts
        else { return nil }
        let millivolts = Int(((highest - lowest) * 1000).rounded())
        let balancing = cells.filter(\.isBalancing).count
        return (
            lowest, highest,
            "cells: \(volts(lowest)) V (\(low.number)) to \(volts(highest)) V (\(high.number)), \(millivolts) mV apart"
                + (balancing > 0 ? ", \(balancing) balancing (*)" : "")
        )
    }

    /// Each cell with its voltage and a bar for its place between the lowest and the highest.
    private var cellTable: [String] {
        let cells = cells
        guard let spread = spread(cells) else { return [] }
        let bars = 10
        let width = 3 + 1 + 6 + 1 + bars + 2
        let across = max(1, (columns - 2) / width)
        let down = (cells.count + across - 1) / across
        let lines = (0..<down).map { row in
            stride(from: row, to: cells.count, by: down).map { index -> String in
                let cell = cells[index]
                let text =
                    "\(String(cell.number).leftPadded(3)) \(cell.volts.map(volts) ?? "  -  ")\(cell.isBalancing ? "*" : " ") "
                return (text + bar(cell.volts.map { share($0, spread.low, spread.high) }, bars)).rightPadded(width)
            }.joined()
        }
        return StyledText.labelled("  ", 2, spread.line, columns)
            + lines.map { "  \($0)" }
    }

    /// One sign for each cell.
    private var cellBars: [String] {
        let cells = cells
        guard let spread = spread(cells) else { return [] }
        let signs = cells.map { cell in
            cell.volts.map { sign(share($0, spread.low, spread.high)) } ?? "-"
        }
        let width = max(8, columns - 4)
        let lines = stride(from: 0, to: signs.count, by: width).prefix(3).map { start in
            "    " + signs[start..<min(start + width, signs.count)].joined()
        }
        return StyledText.labelled("  ", 2, spread.line, columns) + lines
    }

    /// Place between two voltages; differences below 20 mV do not fill the scale.
    private func share(_ volts: Double, _ low: Double, _ high: Double) -> Double {
        let scale = max(high - low, 0.020)
        return (volts - low) / scale
    }

    // MARK: History

    private var history: [String] {
        let rows = ReaderHistory.Row.allCases.compactMap { row -> String? in
            let values = pack.history.values(row)
            let known = values.compactMap(\.self)
            guard known.count > 1, let low = known.min(), let high = known.max() else { return nil }
            let label = "  \(row.title.rightPadded(6)) "
            let (from, to) = (number(low, row), number(high, row))
            let range = "\(from == to ? from : "\(from) to \(to)") \(row.unit)"
            let room = max(0, columns - label.count - 24)
            let signs = values.suffix(room).map { value in
                value.map { sign(high > low ? ($0 - low) / (high - low) : 0) } ?? " "
            }
            return "\(label)\(signs.joined().rightPadded(min(room, ReaderHistory.count))) \(range)"
        }
        let seconds = pack.history.seconds
        let name = seconds >= 120 ? "\(seconds / 60) minutes" : "\(seconds) seconds"
        return rows.isEmpty ? [] : ["  the last \(name):"] + rows
    }

    private func number(_ value: Double, _ row: ReaderHistory.Row) -> String {
        FixedPoint.text(thousandths: Int((value * 1000).rounded()), decimals: row.decimals)
    }

    // MARK: Signs

    private func volts(_ value: Double) -> String {
        FixedPoint.text(thousandths: Int((value * 1000).rounded()), decimals: 3)
    }

    private func bar(_ share: Double?, _ width: Int) -> String {
        let filled = share.map { Int((min(max($0, 0), 1) * Double(width)).rounded()) } ?? 0
        let (full, empty) = screen.isUnicode ? ("█", "░") : ("#", ".")
        return String(repeating: full, count: filled) + String(repeating: empty, count: width - filled)
    }

    private func sign(_ share: Double) -> String {
        let signs = screen.isUnicode ? Array("▁▂▃▄▅▆▇█") : Array("_.-=+*%#")
        return String(signs[Int((min(max(share, 0), 1) * Double(signs.count - 1)).rounded())])
    }
}

/// The three limits as the screen names them.
enum LimitName: String, CaseIterable {
    case cvl
    case ccl
    case dcl

    var title: String { rawValue.uppercased() }

    var meaning: String {
        switch self {
        case .cvl: "charge voltage limit"
        case .ccl: "charge current limit"
        case .dcl: "discharge current limit"
        }
    }

    func value(_ limits: JSONValue) -> String {
        guard let value = limits[rawValue]?.number, value.magnitude < 1e9 else { return "-" }
        let text = FixedPoint.text(thousandths: Int((value * 1000).rounded()), decimals: self == .cvl ? 2 : 1)
        return "\(text) \(self == .cvl ? "V" : "A")"
    }

    func reason(_ limits: JSONValue) -> String? { limits["reasons.\(rawValue)"]?.text }
}
