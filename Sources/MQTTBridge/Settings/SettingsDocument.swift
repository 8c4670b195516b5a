import JSON

extension Documents {
    /// Every setting with value, unit, bounds and who set it.
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

    /// What became of a command.
    static func result(_ setting: String, _ asked: String?, _ answer: CommandedSettings.Answer) -> [UInt8] {
        var writer = JSONWriter(reserving: 256)
        writer.beginObject()
        writer.member("setting", String(setting.prefix(64)))
        writer.member("value", .string(asked.map { String($0.prefix(64)) }))
        writer.member("accepted", answer.isAccepted)
        writer.member("reason", answer.reason)
        writer.member("effective", answer.effective?.document ?? .null)
        writer.endObject()
        return writer.bytes
    }
}
