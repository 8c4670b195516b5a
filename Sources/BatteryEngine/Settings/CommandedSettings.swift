import BMSCore
package import ChargeLimits

/// The settings of one pack: changes by command over the values of the file.
package struct CommandedSettings: Hashable, Sendable {
    /// Outcome of a command.
    package struct Answer: Hashable, Sendable {
        /// The command was obeyed.
        package var isAccepted: Bool
        /// A sentence: the reason of a refusal, or "set".
        package var reason: String
        /// The value in force afterwards; `nil` for buttons and unknown settings.
        package var effective: SettingValue?

        /// An outcome.
        package init(isAccepted: Bool, reason: String, effective: SettingValue? = nil) {
            self.isAccepted = isAccepted
            self.reason = reason
            self.effective = effective
        }
    }

    /// Changed settings by name.
    package private(set) var stored: [String: StoredSetting]

    /// Settings that nobody has changed.
    package init() { stored = [:] }

    /// Settings with kept changes; names and values that the table does not know any more are dropped.
    package init(_ stored: [String: StoredSetting], _ options: PackOptions) {
        self.stored = stored.filter { name, setting in
            guard let row = SettingsTable.row(name, options) else { return false }
            return row.kind.accepts(setting.value)
        }
    }

    /// The value in force: the change, inside the bounds of now, else the file's.
    package func value(_ row: SettingRow, _ context: SettingContext) -> SettingValue? {
        guard let value = stored[row.name]?.value else { return row.standard(context) }
        guard case .number(let number) = value, case .number(_, _, let bounds) = row.kind else { return value }
        guard let range = bounds(context) else { return value }
        return .number(min(max(number, range.lowerBound), range.upperBound))
    }

    /// Checks a command and obeys it. A refusal changes nothing.
    package mutating func set(
        _ name: String, _ given: CommandValue, _ context: SettingContext, at now: Moment
    ) -> Answer {
        guard let row = SettingsTable.row(name, context.options) else {
            return Answer(isAccepted: false, reason: Self.unknown(name, context.options))
        }
        let effective = value(row, context)
        if case .button = row.kind { return Answer(isAccepted: true, reason: "done") }
        let value: SettingValue
        do throws(SettingFault) {
            value = try row.value(given, context)
        } catch {
            return Answer(isAccepted: false, reason: error.text, effective: effective)
        }
        // A value that is the file's again is no change any more.
        if value == row.standard(context) {
            stored[row.name] = nil
        } else if stored[row.name]?.value != value {
            stored[row.name] = StoredSetting(value, setAt: now.wall, minuteOfDay: now.minuteOfDay)
        }
        return Answer(isAccepted: true, reason: "set", effective: value)
    }

    /// Forgets what does more than to lower a limit: relays that were switched on, a full charge that was requested, and an interval of full
    /// charges.
    package mutating func dropRequests() {
        if fullCharge != nil { reset(SettingsTable.chargeMode.name) }
        reset(SettingsTable.fullChargeInterval.name)
        stored = stored.filter { $0.value.value != .word("on") }
    }

    /// Sets a setting back to the file's value.
    package mutating func reset(_ name: String) { stored[name] = nil }

    /// The settings as commands to the calculator: each row that bounds a limit applies itself.
    package func commands(_ context: SettingContext) -> LimitCommands {
        var commands = LimitCommands()
        for (name, setting) in stored {
            guard let row = SettingsTable.row(name, context.options), let value = value(row, context) else { continue }
            switch row.effect {
            case .limit(let apply): apply(&commands, value, setting)
            case .name, .relay, .button: break
            }
        }
        return commands
    }

    /// Commanded name of the pack; `nil`: the file's is in force.
    package var customName: String? {
        if case .text(let text)? = stored[SettingsTable.customName.name]?.value { text } else { nil }
    }

    /// The commanded full charge; `nil`: there is none.
    package var fullCharge: StoredSetting? {
        let mode = stored[SettingsTable.chargeMode.name]
        return mode?.value == .word(LimitCommands.ChargeMode.full.rawValue) ? mode : nil
    }

    private static func unknown(_ name: String, _ options: PackOptions) -> String {
        if SettingsTable.inTheBMS.contains(name) {
            return "\(name) is set in the BMS, with the vendor's app: the cable only transmits"
        }
        let names = SettingsTable.rows(options).map(\.name)
        return "no setting '\(name.prefix(40))'\(Suggestion.text(name, names))"
    }
}
