import BMSCore
package import JSON

/// The documents of batteries as Prometheus reads them: names and base units of OpenMetrics, the text format 0.0.4.
///
/// What is not known is absent, because an old number would be drawn as a live one.
package struct MetricsText {
    /// A battery as a reader of MQTT knows it.
    package struct Battery {
        var id: String
        var isLive: Bool
        var documents: [Document: JSONValue]

        /// Documents that have metrics.
        package enum Document: Hashable, Sendable {
            case state, cells, limits
        }

        /// - Parameters:
        ///   - isLive: its values are valid now.
        ///   - documents: those that are valid now; `limits` may be there although the battery is not live.
        package init(id: String, isLive: Bool, documents: [Document: JSONValue]) {
            (self.id, self.isLive, self.documents) = (id, isLive, documents)
        }
    }

    /// A unit of the catalogue as a base unit of OpenMetrics.
    private struct BaseUnit {
        var suffix: String
        var factor: Double
    }

    private static let units: [String: BaseUnit] = [
        "V": BaseUnit(suffix: "volts", factor: 1), "A": BaseUnit(suffix: "amperes", factor: 1),
        "W": BaseUnit(suffix: "watts", factor: 1), "°C": BaseUnit(suffix: "celsius", factor: 1),
        "s": BaseUnit(suffix: "seconds", factor: 1), "%": BaseUnit(suffix: "ratio", factor: 0.01),
        "Ah": BaseUnit(suffix: "coulombs", factor: 3_600), "kWh": BaseUnit(suffix: "joules", factor: 3_600_000),
        "mΩ": BaseUnit(suffix: "ohms", factor: 0.001),
    ]

    /// Longest value of a label, characters: a broker's document may hold any text.
    private static let longestLabel = 128

    private let batteries: [Battery]
    private var text = ""

    /// The text for some batteries.
    ///
    /// - Parameters:
    ///   - isConnected: the reader has a connection to the broker.
    ///   - isBridgeOnline: the bridge is known to be online. One of which nothing was heard is not.
    package static func text(_ batteries: [Battery], isConnected: Bool, isBridgeOnline: Bool) -> String {
        var metrics = MetricsText(batteries: batteries)
        // Both are always there: an alert for a series that may be absent would never fire.
        metrics.flag("bms_broker_connected", "The page is connected to the broker.", isConnected)
        metrics.flag("bms_bridge_online", "The bridge is online.", isBridgeOnline)
        metrics.each("bms_battery_live", "The values of the battery are valid now.") { [([], $0.isLive ? 1 : 0)] }
        metrics.identity()
        metrics.limits()
        for row in MetricCatalogue.state { metrics.add(row) }
        for row in CellTable.rows { metrics.add(row) }
        return metrics.text
    }

    private init(batteries: [Battery]) { self.batteries = batteries }

    private mutating func identity() {
        let labels = [
            ("name", "CustomName"), ("product", "ProductName"), ("serial", "Serial"), ("firmware", "FirmwareVersion"),
        ]
        each("bms_battery_info", "Names and numbers of the battery.") { battery in
            guard let state = battery.documents[.state] else { return [] }
            return [(labels.map { ($0, state[$1]?.text ?? "") }, 1)]
        }
    }

    /// The limits go on while the battery is silent: they are what the bridge asks for then.
    private mutating func limits() {
        let kinds = [
            ("cvl", "volts", "Charge voltage limit."), ("ccl", "amperes", "Charge current limit."),
            ("dcl", "amperes", "Discharge current limit."),
        ]
        for (kind, unit, help) in kinds {
            each("bms_limits_\(kind)_\(unit)", help) { battery in
                (battery.documents[.limits]?[kind]?.number).map { [([], $0)] } ?? []
            }
        }
        each("bms_limits_reason_info", "Rule that bounds a limit.") { battery in
            kinds.compactMap { kind, _, _ in
                (battery.documents[.limits]?["names.\(kind)"]?.text).map { ([("limit", kind), ("name", $0)], 1) }
            }
        }
    }

    private mutating func add(_ row: Metric) {
        let path = row.keys.joined(separator: ".")
        let help = "\(row.entity?.name ?? row.path) (\(row.path))."
        switch row.shape {
        case .text: return
        case .word:
            each("\(Self.name(row.keys))_info", help) { battery in
                (battery.documents[.state]?[path]?.text).map { [([("value", $0)], 1)] } ?? []
            }
        case .number, .whole, .oneOf:
            let unit = Self.units[row.unit]
            let name = Self.name(row.keys) + (unit.map { "_\($0.suffix)" } ?? "") + (row.isCounter ? "_total" : "")
            each(name, help, isCounter: row.isCounter) { battery in
                (battery.documents[.state]?[path]?.number).map { [([], $0 * (unit?.factor ?? 1))] } ?? []
            }
        }
    }

    private mutating func add(_ row: CellMetric) {
        let unit = Self.units[row.unit]
        let name = "bms_cell_" + Self.snake(String(row.group.dropLast())) + (unit.map { "_\($0.suffix)" } ?? "")
        each(name, "\(row.group) of the cells.") { battery in
            guard case .object(let cells)? = battery.documents[.cells]?[row.group] else { return [] }
            let numbered = cells.compactMap { key, value -> (Int, Double)? in
                guard key.hasPrefix("Cell"), let number = Int(key.dropFirst(4)) else { return nil }
                return value.number.map { (number, $0 * (unit?.factor ?? 1)) }
            }
            return numbered.sorted { $0.0 < $1.0 }.map { ([("cell", "\($0.0)")], $0.1) }
        }
    }

    /// A family with the samples of each battery; nothing where no battery has one.
    private mutating func each(
        _ name: String, _ help: String, isCounter: Bool = false,
        _ samples: (Battery) -> [([(String, String)], Double)]
    ) {
        var isFirst = true
        for battery in batteries {
            for (labels, value) in samples(battery) where value.isFinite {
                if isFirst { family(name, help, isCounter: isCounter) }
                isFirst = false
                sample(name, [("pack", battery.id)] + labels, value)
            }
        }
    }

    /// A family of one sample that belongs to no battery.
    private mutating func flag(_ name: String, _ help: String, _ isSet: Bool) {
        family(name, help)
        sample(name, [], isSet ? 1 : 0)
    }

    private mutating func family(_ name: String, _ help: String, isCounter: Bool = false) {
        text += "# HELP \(name) \(help)\n# TYPE \(name) \(isCounter ? "counter" : "gauge")\n"
    }

    private mutating func sample(_ name: String, _ labels: [(String, String)], _ value: Double) {
        let list = labels.map { "\($0)=\"\(Self.escaped($1))\"" }.joined(separator: ",")
        text += "\(name)\(list.isEmpty ? "" : "{\(list)}") \(Self.number(value))\n"
    }

    private static func number(_ value: Double) -> String {
        value == value.rounded() && value.magnitude < 1e15 ? "\(Int(value))" : "\(value)"
    }

    private static func escaped(_ text: String) -> String {
        String(text.unicodeScalars.prefix(longestLabel)).substituting {
            $0 == "\\" || $0 == "\"" ? "\\\($0)" : $0 == "\n" || $0 == "\r" ? "\\n" : nil
        }
    }

    /// "Info", "MaxChargeVoltage" -> "bms_info_max_charge_voltage".
    private static func name(_ keys: [String]) -> String {
        // The ending belongs to histograms.
        let keys = keys.last == "Count" ? keys.dropLast() : keys[...]
        return "bms_" + keys.map(snake).joined(separator: "_")
    }

    private static func snake(_ word: String) -> String {
        var text = ""
        for character in word {
            if character.isUppercase, text.last?.isLowercase == true { text += "_" }
            text += character.lowercased()
        }
        return text
    }
}
