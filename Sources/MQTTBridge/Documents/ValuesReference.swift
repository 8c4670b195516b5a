import BatteryEngine

/// The reference of the single values (docs/values.md), from the tables that they are made from.
public enum ValuesReference {
    private struct Row {
        var key: String
        var name: String
        var unit: String
        var source: String
    }

    /// The reference as Markdown.
    public static var markdown: String {
        var text = """
            # Single values

            With `publish.values: true` each of these values goes out on a topic of its own, `<base>/<pack>/value/<key>`:
            [mqtt-topics.md](mqtt-topics.md#single-values) says when. This table is made from the code by `scripts/generate-docs`.

            | topic | value | unit | the same in |
            |---|---|---|---|

            """
        for row in rows {
            text += "| `value/\(row.key)` | \(row.name) | \(row.unit) | \(row.source) |\n"
        }
        return text
    }

    private static var rows: [Row] {
        var rows = [Row(key: "link", name: "BMS link", unit: "0/1", source: "`status`")]
        for metric in MetricCatalogue.state {
            guard let entity = metric.entity else { continue }
            rows.append(
                Row(key: entity.key, name: entity.name, unit: unit(metric), source: "`state`: `\(metric.path)`"))
        }
        rows.append(Row(key: "contact_<relay>", name: "Relay contact", unit: "0/1", source: "`relays`"))
        for row in CellTable.rows {
            guard let entity = row.entity("<cell>", true) else { continue }
            let name = entity.name.replacing("{n}", with: "<cell>")
            rows.append(Row(key: entity.key, name: name, unit: row.unit, source: "`cells`: `\(row.group)`"))
        }
        for setting in SettingsTable.rows {
            let unit: String
            switch setting.kind {
            case .button: continue
            case .number(let name, _, _): unit = name
            case .flag: unit = "ON, OFF"
            case .word(let words): unit = words.joined(separator: ", ")
            case .text: unit = "text"
            }
            rows.append(Row(key: setting.key, name: setting.title, unit: unit, source: "`settings`: `\(setting.name)`"))
        }
        rows.append(
            Row(
                key: "relay_<relay>", name: "Relay setting", unit: "auto, off, on",
                source: "`settings`: `relay/<relay>`"))
        return rows
    }

    private static func unit(_ metric: Metric) -> String {
        switch metric.shape {
        case .number, .whole: metric.unit
        case .oneOf(let numbers): numbers.map(String.init).joined(separator: "/")
        case .text: "text"
        case .word(let words): words.joined(separator: ", ")
        }
    }
}
