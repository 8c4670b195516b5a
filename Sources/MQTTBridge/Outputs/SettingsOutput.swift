import BMSCore
import BatteryEngine
import JSON
import MQTT

/// Publishes the settings of a pack when they, or their bounds, have changed. A bank has none.
struct SettingsOutput: Output {
    private let topic: String
    /// Content of the last document; `nil`: none was sent, or it must be sent again.
    private var sent: Content?
    private var document: [UInt8] = []

    /// Everything on which the document depends.
    private struct Content: Hashable {
        var settings: CommandedSettings
        var basis: SettingContext.Basis
    }

    init(_ id: String, _ options: BridgeOptions) { topic = options.topics.settings(id) }

    mutating func update(_ report: BatteryReport, _ context: OutputContext) -> [MQTTMessage] {
        guard let pack = report.pack else { return [] }
        let content = Content(settings: pack.settings, basis: SettingContext.Basis(pack.snapshot))
        guard content != sent else { return [] }
        sent = content
        document = Documents.settings(pack.settings, pack.context)
        return [MQTTMessage(topic, document, qos: 1, retain: true)]
    }

    /// Makes the next update publish the document.
    mutating func reset() { sent = nil }

    /// These bytes are the newest document. Another bridge of the same configuration publishes the same.
    func isNewest(_ payload: [UInt8]) -> Bool { payload == document }
}

extension Documents {
    /// Every setting with its value, unit, bounds and origin.
    static func settings(_ settings: CommandedSettings, _ context: SettingContext) -> [UInt8] {
        var writer = JSONWriter(reserving: 1536)
        writer.beginObject()
        for row in SettingsTable.rows(context.options) {
            if case .button = row.kind { continue }
            writer.key(row.name)
            writer.beginObject()
            writer.member("value", settings.value(row, context)?.document ?? .null)
            switch row.kind {
            case .number(let unit, _, let bounds):
                let range = bounds(context)
                writer.member("unit", unit)
                writer.member("min", range.map { SettingValue.number($0.lowerBound).document } ?? .null)
                writer.member("max", range.map { SettingValue.number($0.upperBound).document } ?? .null)
            case .word(let words):
                writer.member("options", words)
            case .flag, .text, .button: break
            }
            let stored = settings.stored[row.name]
            writer.member("setBy", stored == nil ? "file" : "command")
            if let stored { writer.member("setAt", .decimal(thousandths: Int(stored.setAt), decimals: 3)) }
            writer.endObject()
        }
        writer.endObject()
        return writer.bytes
    }

    /// The answer to a command.
    static func result(
        _ setting: String, _ asked: String?, _ answer: CommandedSettings.Answer, at now: Moment
    ) -> [UInt8] {
        var writer = JSONWriter(reserving: 256)
        writer.beginObject()
        writer.member("setting", String(setting.prefix(64)))
        writer.member("value", .string(asked.map { String($0.prefix(64)) }))
        writer.member("accepted", answer.isAccepted)
        writer.member("reason", answer.reason)
        writer.member("effective", answer.effective?.document ?? .null)
        writer.member("time", time(now))
        writer.endObject()
        return writer.bytes
    }
}
