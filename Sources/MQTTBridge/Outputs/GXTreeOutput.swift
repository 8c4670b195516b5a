import BatteryEngine
import BMSCore
import MQTT

/// Publishes a battery as a service of the GX tree: its values on change while a client is there, and everything that is asked for.
struct GXTreeOutput: Output {
    private struct Entry: Hashable {
        var value: MetricValue
        var bounds: [MetricValue] = []
        var deadband = Deadband.none
    }

    private let battery: BatteryIdentity
    private let topics: GXTopics
    private let options: BridgeOptions
    /// Values that were sent, by path.
    private var sent: [String: Entry] = [:]
    /// Time of the last update that sent every value that had changed at all.
    private var beatAt: Timestamp?
    /// A client keeps the tree alive.
    private var isAlive = false

    init(_ battery: BatteryIdentity, _ topics: GXTopics, _ options: BridgeOptions) {
        self.battery = battery
        self.topics = topics
        self.options = options
    }

    /// Records whether a client keeps the tree alive. The next client gets everything.
    mutating func setAlive(_ isAlive: Bool) {
        if self.isAlive, !isAlive { sent = [:] }
        self.isAlive = isAlive
    }

    mutating func update(_ report: BatteryReport, _ context: OutputContext) -> [MQTTMessage] {
        guard isAlive else { return [] }
        let isBeat = beatAt.map { report.now - $0 >= options.stateHeartbeat } ?? true
        if isBeat { beatAt = report.now }
        let changed = entries(report, context.gxCurrents).filter { path, entry in
            guard let old = sent[path], entry.bounds == old.bounds else { return true }
            return isBeat
                ? entry.value != old.value
                : entry.deadband.isNews(entry.value, after: old.value, factor: options.economy.factor)
        }
        return send(changed)
    }

    /// Everything at and below a path; "" for all.
    mutating func values(at path: String, _ report: BatteryReport, _ currents: GXCurrents) -> [MQTTMessage] {
        send(
            entries(report, currents).filter { name, _ in
                path.isEmpty || name == path || name.hasPrefix(path + "/")
            })
    }

    /// Empty messages on each topic that was used: the service is gone.
    var clearing: [MQTTMessage] { sent.keys.sorted().map { MQTTMessage(topic($0), []) } }

    private mutating func send(_ entries: [(String, Entry)]) -> [MQTTMessage] {
        for (path, entry) in entries { sent[path] = entry }
        return entries.map { path, entry in
            let bounds = entry.bounds.count == 2 ? (entry.bounds[0], entry.bounds[1]) : nil
            return MQTTMessage(topic(path), GXPortal.payload(entry.value, bounds: bounds))
        }
    }

    private func topic(_ path: String) -> String { topics.notify("battery/\(battery.gxInstance)/\(path)") }

    private func entries(_ report: BatteryReport, _ currents: GXCurrents) -> [(String, Entry)] {
        var result = identity.map { ($0.0, Entry(value: $0.1)) }
        for metric in MetricCatalogue.state {
            let value = currents.value(metric) ?? metric.value(report)
            result.append((String(metric.path.dropFirst()), Entry(value: value, deadband: metric.deadband)))
        }
        for row in CellTable.rows {
            for cell in 0..<report.cellCount {
                let path = String(row.path(cell + 1).dropFirst())
                result.append((path, Entry(value: row.value(report, cell + 1), deadband: row.deadband)))
            }
        }
        guard let pack = report.pack else { return result }
        return result
            + SettingsTable.rows(pack.options.value).map { ($0.gxPath, Self.entry($0, pack.settings, pack.context)) }
    }

    private var identity: [(String, MetricValue)] {
        [
            // 0xFFFF: no quirks of a known product.
            ("DeviceInstance", .integer(battery.gxInstance)), ("ProductId", .integer(65_535)),
            ("Mgmt/ProcessName", .text("bms-mqtt")), ("Mgmt/ProcessVersion", .text(options.version)),
            ("Mgmt/Connection", .text(battery.connection)),
        ]
    }

    private static func entry(
        _ row: SettingRow, _ settings: CommandedSettings, _ context: SettingContext
    ) -> Entry {
        let value: MetricValue =
            switch settings.value(row, context) {
            case .flag(let isOn): .flag(isOn)
            case let value?: value.document
            // A button rests at 0.
            case nil: if case .button = row.kind { .integer(0) } else { .null }
            }
        guard case .number(_, _, let bounds) = row.kind, let range = bounds(context) else {
            if case .flag = row.kind { return Entry(value: value, bounds: [.integer(0), .integer(1)]) }
            return Entry(value: value)
        }
        let ends = [range.lowerBound, range.upperBound].map { SettingValue.number($0).document }
        return Entry(value: value, bounds: ends)
    }
}

extension SettingRow {
    /// Path on the GX tree, without its first slash: "Settings/MaxChargeCurrent".
    var gxPath: String { "Settings/\(name.prefix(1).uppercased())\(name.dropFirst())" }
}
