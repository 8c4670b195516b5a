import MQTT
import BMSCore

/// One pack as a battery service of the tree: its values, on change while somebody listens, and whatever is asked for.
struct GXBattery: Sendable {
    private struct Entry: Hashable {
        var value: MetricValue
        var bounds: [MetricValue] = []
        var deadband = Deadband.none
    }

    let instance: Int
    private let topics: GXTopics
    private let version: String
    private let connection: String
    /// What was told, by path.
    private var told: [String: Entry] = [:]
    private let economy: Economy
    /// Longest time for which a value inside its deadband is not told, ms.
    private let heartbeat: Int64
    private var beatAt: Timestamp?

    init(
        _ instance: Int, _ topics: GXTopics, _ economy: Economy, heartbeat: Int64, version: String, connection: String
    ) {
        self.instance = instance
        self.topics = topics
        self.economy = economy
        self.heartbeat = heartbeat
        self.version = version
        self.connection = connection
    }

    /// What is news since it was told; at a heartbeat everything that is not as it was told.
    mutating func changes(_ view: PackView, _ settings: CommandedSettings) -> [MQTTMessage] {
        let isBeat = beatAt.map { view.now - $0 >= heartbeat } ?? true
        if isBeat { beatAt = view.now }
        var messages: [MQTTMessage] = []
        for (path, entry) in entries(view, settings) where isNews(entry, path, isBeat: isBeat) {
            told[path] = entry
            messages.append(message(path, entry))
        }
        return messages
    }

    private func isNews(_ entry: Entry, _ path: String, isBeat: Bool) -> Bool {
        guard let old = told[path], entry.bounds == old.bounds else { return true }
        return isBeat
            ? entry.value != old.value : entry.deadband.isNews(entry.value, after: old.value, factor: economy.factor)
    }

    /// Everything at and below a path; "" for all.
    mutating func values(at path: String, _ view: PackView, _ settings: CommandedSettings) -> [MQTTMessage] {
        var messages: [MQTTMessage] = []
        for (name, entry) in entries(view, settings) {
            guard path.isEmpty || name == path || name.hasPrefix(path + "/") else { continue }
            told[name] = entry
            messages.append(message(name, entry))
        }
        return messages
    }

    /// The service is gone: an empty message on each topic that was told.
    var farewell: [MQTTMessage] { told.keys.sorted().map { MQTTMessage(topic($0), []) } }

    /// A written value in the words of a command: a GX has 0 and 1 for off and on.
    static func words(_ payload: [UInt8], for row: SettingRow) -> [UInt8] {
        guard case .flag = row.kind, case .number(let number)? = try? CommandPayload.read(payload) else {
            return payload
        }
        return number == 0 ? Array("OFF".utf8) : number == 1000 ? Array("ON".utf8) : payload
    }

    /// Nobody listens: the next listener gets everything.
    mutating func forget() { told = [:] }

    private func topic(_ path: String) -> String { topics.notify("battery/\(instance)/\(path)") }

    private func message(_ path: String, _ entry: Entry) -> MQTTMessage {
        let bounds = entry.bounds.count == 2 ? (entry.bounds[0], entry.bounds[1]) : nil
        return MQTTMessage(topic(path), GXPortal.payload(entry.value, bounds: bounds))
    }

    private func entries(_ view: PackView, _ settings: CommandedSettings) -> [(String, Entry)] {
        var result = identity.map { ($0.0, Entry(value: $0.1)) }
        for metric in MetricCatalogue.state {
            let path = String(metric.path.dropFirst())
            let value = GXDocument.current(metric, view) ?? metric.value(view)
            result.append((path, Entry(value: value, deadband: metric.deadband)))
        }
        for row in CellTable.rows {
            for cell in 0..<view.listedCells {
                let path = String(row.path(cell + 1).dropFirst())
                result.append((path, Entry(value: row.value(view, cell + 1), deadband: row.deadband)))
            }
        }
        let context = SettingContext(pack: view.pack, snapshot: view.snapshot)
        for row in SettingsTable.rows(view.options) { result.append((row.gxPath, Self.entry(row, settings, context))) }
        return result
    }

    private var identity: [(String, MetricValue)] {
        [
            // 0xFFFF: no quirks of a known product.
            ("DeviceInstance", .integer(instance)), ("ProductId", .integer(65_535)),
            ("Mgmt/ProcessName", .text("bms-mqtt")), ("Mgmt/ProcessVersion", .text(version)),
            ("Mgmt/Connection", .text(connection)),
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
