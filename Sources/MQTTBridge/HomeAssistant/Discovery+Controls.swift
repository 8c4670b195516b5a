import BatteryEngine
import JSON

/// Controls of Home Assistant, made from the settings table.
extension Discovery {
    /// Settings that are shown as controls.
    ///
    /// There is none where commands are off, because a control that refuses everything is worse than none. One whose bounds are not known,
    /// or leave nothing to choose, is left out, because Home Assistant refuses a number without a range.
    var controls: [SettingRow] {
        guard options.takesCommands, let context else { return [] }
        return SettingsTable.rows(context.options).filter { row in
            guard case .number(_, _, let bounds) = row.kind else { return true }
            return bounds(context).map { $0.lowerBound < $0.upperBound } ?? false
        }
    }

    /// The members of a control. Controls hang on the bridge alone: a setting may be changed while the pack is silent.
    func control(_ row: SettingRow, _ writer: inout JSONWriter, withPlatform: Bool) {
        identify(
            row.platform, row.key, options.language.name(row.title, row.subject), &writer, withPlatform: withPlatform)
        writer.member("command_topic", options.topics.set(battery.id, row.name))
        writer.member("qos", .integer(1))
        if let icon = row.icon { writer.member("icon", icon) }
        writer.member("entity_category", "config")
        writer.member("retain", false)
        if case .button = row.kind {
            writer.member("payload_press", "PRESS")
        } else {
            writer.member("state_topic", options.topics.settings(battery.id))
            writer.member("value_template", row.template(options.language))
        }
        switch row.kind {
        case .number(let unit, let step, let bounds):
            let range = context.flatMap(bounds) ?? 0...0
            writer.member("min", SettingValue.number(range.lowerBound).document)
            writer.member("max", SettingValue.number(range.upperBound).document)
            writer.member("step", SettingValue.number(step).document)
            writer.member("mode", "box")
            writer.member("unit_of_measurement", unit)
            if unit == "A" { writer.member("device_class", "current") }
            if unit == "V" { writer.member("device_class", "voltage") }
        case .flag:
            writer.member("payload_on", "ON")
            writer.member("payload_off", "OFF")
        case .word:
            writer.member("options", words(row.states))
            // A word goes back to the bridge as the settings document has it.
            let back = row.states.map {
                EntityRow.EnumState(value: options.language.name($0.word, nil), word: $0.value)
            }
            let command = Language.en.lookup(back, "value")
            if command != "value" { writer.member("command_template", "{{ \(command) }}") }
        case .text(let longest):
            writer.member("min", .integer(1))
            writer.member("max", .integer(longest))
        case .button: break
        }
        availability(&writer, withPack: false)
    }
}

extension SettingRow {
    /// The words of a setting that is one of some words.
    fileprivate var states: [EntityRow.EnumState] {
        if case .word(let words) = kind { EntityRow.EnumState.named(words) } else { [] }
    }

    /// Its value in the settings document. A relay may be gone from the file before Home Assistant has heard of it.
    fileprivate func template(_ language: Language) -> String {
        let value =
            subject == nil
            ? "value_json.\(name).value" : "(value_json['\(name)'] | default({})).value | default(none)"
        return "{{ \(language.lookup(states, value)) }}"
    }

    /// Home Assistant's kind of entity.
    var platform: String {
        switch kind {
        case .number: "number"
        case .flag: "switch"
        case .word: "select"
        case .text: "text"
        case .button: "button"
        }
    }
}
