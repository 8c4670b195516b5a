import BMSCore
import JSON
import BatteryEngine
import MQTTBridge

/// The live view as lines of text, a pure function of the model and the size of the window.
struct MonitorScreen {
    var columns: Int
    var rows: Int
    /// Bars have block characters; else plain ASCII.
    var isUnicode: Bool
    /// Lines have escape sequences for colour.
    var hasColour: Bool

    private static let barCells = 12

    /// The whole view, at most ``rows`` lines of at most ``columns`` characters.
    func lines(_ model: MonitorModel, footer: [String], at now: MonitorModel.Instant) -> [String] {
        var lines: [String] = []
        if model.packs.isEmpty {
            lines.append("bridge \(model.bridgeStatus), no pack seen yet under \(model.base)/")
        }
        for (id, pack) in model.sorted {
            lines += view(id, pack, model.view(pack, at: now), bridge: model.bridgeStatus)
            lines.append("")
        }
        let room = max(1, rows - footer.count - 1)
        if lines.count > room { lines = Array(lines.prefix(max(0, room - 1))) + ["... (a taller window shows more)"] }
        return (lines + footer).map(clip)
    }

    /// One line for a pack, for logs and pipes.
    static func summary(_ id: String, _ view: MonitorModel.View) -> String {
        if let fault = view.fault { return "\(id): nothing valid: \(fault)".plain }
        let state = view.state
        let limits = LimitName.allCases.map { "\($0.title) \($0.value(view.limits))" }.joined(separator: " ")
        var text =
            "\(id) \(view.status) \(view.mode) \(number(state, "Dc.Voltage", 2, "V")) "
            + "\(number(state, "Dc.Current", 1, "A", signed: true)) SoC \(number(state, "Soc", 0, "%")) cells "
            + "\(number(state, "System.MinCellVoltage", 3, "V"))..\(number(state, "System.MaxCellVoltage", 3, "V")) | "
            + limits
        if let reason = LimitName.ccl.reason(view.limits) { text += " | CCL: \(reason)" }
        let alarms = alarms(state)
        if !alarms.isEmpty { text += " | ALARM: \(alarms.joined(separator: ", "))" }
        return text.plain
    }

    /// A number without needless decimals, like "20" or "0.5".
    static func plain(_ number: Double) -> String {
        number == number.rounded() && number.magnitude < 1e9 ? "\(Int(number))" : "\(number)"
    }

    private func view(
        _ id: String, _ pack: MonitorModel.Pack, _ view: MonitorModel.View, bridge: String
    ) -> [String] {
        typealias Screen = MonitorScreen
        let state = view.state
        let name = pack.name ?? id
        var lines = [bold("\(name)   \(view.status), bridge \(bridge)   \(view.mode)")]
        // While there is a fault, the last status of the pack may be wrong and is not shown.
        if let fault = view.fault { lines = [bold(name), "  " + warning("nothing valid: \(fault)")] }
        let soc = state["Soc"]?.number
        lines.append(
            "  \(Screen.number(state, "Dc.Voltage", 2, "V"))   \(Screen.number(state, "Dc.Current", 1, "A", signed: true))"
                + "   \(Screen.number(state, "Dc.Power", 0, "W", signed: true))   SoC "
                + "\(Screen.number(state, "Soc", 0, "%")) \(bar(soc.map { $0 / 100 }, 20))   "
                + "\(Screen.number(state, "System.MinCellTemperature", 1, "°C")) to "
                + Screen.number(state, "System.MaxCellTemperature", 1, "°C"))
        for limit in LimitName.allCases {
            lines.append(
                "  \(bold(limit.title)) \(limit.value(view.limits).leftPadded(9))  \(limit.reason(view.limits) ?? "")")
        }
        let permissions = [("Io.AllowToCharge", "charging"), ("Io.AllowToDischarge", "discharging")].map {
            "\($0.1) \(state[$0.0]?.number.map { $0 > 0 ? "permitted" : "NOT permitted" } ?? "unknown")"
        }
        let alarms = Self.alarms(state)
        let none = state["Alarms"] == nil ? "unknown" : "none"
        lines.append(
            "  BMS: \(permissions.joined(separator: ", "));  alarms: "
                + (alarms.isEmpty ? none : warning(alarms.joined(separator: ", "))))
        lines += cells(view.cells, state)
        if let event = pack.event { lines.append("  last event: \(event)") }
        return lines
    }

    /// Cells as bars between Vmin and Vmax, in as many columns as fit.
    private func cells(_ cells: JSONValue, _ state: JSONValue) -> [String] {
        guard
            case .object(let voltages)? = cells["Voltages"],
            let low = state["System.MinVoltageThreshold"]?.number,
            let high = state["System.MaxVoltageThreshold"]?.number, high > low
        else { return [] }
        let items = (1...max(1, voltages.count)).map { number in
            let volts = voltages["Cell\(number)"]?.number
            let isBalancing = (cells["Balances.Cell\(number)"]?.number ?? 0) > 0
            let text = volts.map { FixedPoint.text(thousandths: Int(($0 * 1000).rounded()), decimals: 3) } ?? "  -  "
            return "\(String(number).leftPadded(3)) \(text)\(isBalancing ? "*" : " ") "
                + bar(volts.map { ($0 - low) / (high - low) }, Self.barCells)
        }
        let width = 3 + 1 + 6 + 1 + Self.barCells + 3
        let across = max(1, (columns - 2) / width)
        let down = (items.count + across - 1) / across
        var lines = ["  cells, Vmin to Vmax, * = balancing"]
        for row in 0..<down {
            let line = stride(from: row, to: items.count, by: down).map { items[$0].rightPadded(width) }
            lines.append("  " + line.joined())
        }
        return lines
    }

    private static func alarms(_ state: JSONValue) -> [String] {
        guard case .object(let alarms)? = state["Alarms"] else { return [] }
        return alarms.filter { $0.key != "Alarm" && ($0.value.number ?? 0) > 0 }.map(\.key).sorted()
    }

    private static func number(
        _ state: JSONValue, _ path: String, _ decimals: Int, _ unit: String, signed: Bool = false
    ) -> String {
        guard let value = state[path]?.number, value.magnitude < 1e9 else { return "- \(unit)" }
        let text = FixedPoint.text(thousandths: Int((value * 1000).rounded()), decimals: decimals)
        return "\(signed && value > 0 ? "+" : "")\(text) \(unit)"
    }

    private func bar(_ share: Double?, _ width: Int) -> String {
        let filled = share.map { Int((min(max($0, 0), 1) * Double(width)).rounded()) } ?? 0
        let (full, empty) = isUnicode ? ("█", "░") : ("#", ".")
        return String(repeating: full, count: filled) + String(repeating: empty, count: width - filled)
    }

    // Styles are marks until `clip` turns them into escape sequences: text of a document can at most become bold, and
    // cannot move the cursor.
    private func bold(_ text: String) -> String { hasColour ? "\u{1}\(text)\u{3}" : text }
    private func warning(_ text: String) -> String { hasColour ? "\u{2}\(text)\u{3}" : text }

    private static let styles: [Character: String] = [
        "\u{1}": "\u{1B}[1m", "\u{2}": "\u{1B}[31;1m", "\u{3}": "\u{1B}[0m",
    ]

    /// Cuts a line to the window's width; styles take no column.
    private func clip(_ line: String) -> String {
        var result = ""
        var width = 0
        for character in line {
            if hasColour, let style = Self.styles[character] {
                result += style
            } else if character.isPlain, width < columns {
                result.append(character)
                width += 1
            }
        }
        return result
    }
}

/// The three limits as the screen names them.
private enum LimitName: String, CaseIterable {
    case cvl
    case ccl
    case dcl

    var title: String { rawValue.uppercased() }

    func value(_ limits: JSONValue) -> String {
        guard let value = limits[rawValue]?.number, value.magnitude < 1e9 else { return "-" }
        let text = FixedPoint.text(thousandths: Int((value * 1000).rounded()), decimals: self == .cvl ? 2 : 1)
        return "\(text) \(self == .cvl ? "V" : "A")"
    }

    func reason(_ limits: JSONValue) -> String? { limits["reasons.\(rawValue)"]?.text }
}
