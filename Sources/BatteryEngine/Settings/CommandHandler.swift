import BMSCore
import ChargeLimits

/// Handles the commands of one pack: it refuses retained ones and floods, and checks the others against the table.
struct CommandHandler: Sendable {
    /// A full charge by command that does not come about is given up after so many ms.
    private static let fullChargePatience: Int64 = 48 * 3_600_000

    private(set) var settings: CommandedSettings
    /// The file permits commands.
    let takesCommands: Bool
    /// Start of the commanded full charge, by the clock that nobody sets; `nil`: there is none.
    private var fullChargeSince: Timestamp?
    private var limiter = RateLimiter()
    private var hasWarnedAboutRetained = false
    /// Settings for which retained commands came: an empty message for one of them clears the retained one, and is no command.
    private var retained: Set<String> = []
    /// A pack has fewer settings than that, its relays included.
    private static let mostRetained = 64

    /// The way in which a command ends.
    enum Ending {
        case answered(Outcome)
        /// The command is one of a flood, and gets no answer.
        case dropped
        /// Nothing was commanded: somebody cleared a retained command, as the refusal of it asks for.
        case cleared
    }

    /// Outcome of a command.
    struct Outcome {
        var answer: CommandedSettings.Answer
        /// Action of a button; `nil`: the command was for none.
        var action: SettingRow.Action?
        /// The settings have changed and must be kept.
        var isChanged = false
        /// A line for the log.
        var warning: String?
    }

    /// - Parameters:
    ///   - takesCommands: the file permits commands. Where it does not, no relay stays switched on and no full charge requested: nobody could
    ///     end that.
    ///   - now: time to which the ages of the settings refer.
    init(_ settings: CommandedSettings, takesCommands: Bool = true, at now: Timestamp) {
        self.settings = settings
        self.takesCommands = takesCommands
        if !takesCommands { self.settings.dropRequests() }
        fullChargeSince = self.settings.fullCharge.map { now + -($0.age ?? 0) }
    }

    /// Changed settings by name, with the age of a commanded full charge.
    func stored(at now: Timestamp) -> [String: StoredSetting] {
        var stored = settings.stored
        if let fullChargeSince { stored[SettingsTable.chargeMode.name]?.age = max(0, now - fullChargeSince) }
        return stored
    }

    /// Obeys or refuses a command.
    mutating func handle(
        _ command: BatteryCommand, _ context: SettingContext, at now: Moment
    ) -> Ending {
        let row = SettingsTable.row(command.setting, context.options)
        func refusal(_ reason: String, warning: String? = nil) -> Ending {
            let effective = row.flatMap { settings.value($0, context) }
            let answer = CommandedSettings.Answer(isAccepted: false, reason: reason, effective: effective)
            return .answered(Outcome(answer: answer, warning: warning))
        }
        // MQTT 5 marks the empty message as retained, MQTT 3.1.1 does not.
        if command.content == .nothing, retained.remove(command.setting) != nil || command.isRetained {
            return .cleared
        }
        if case .refuse(let isFirst) = limiter.check(at: now.monotonic) {
            let text = "too many commands: five a second are taken, the rest of the flood is dropped"
            return isFirst ? refusal(text, warning: text) : .dropped
        }
        guard takesCommands else {
            return refusal("commands are switched off in the configuration file (commands: false)")
        }
        if command.isRetained {
            let text =
                "retained commands are ignored: they would be repeated at each start; clear it with an empty retained message"
            defer { hasWarnedAboutRetained = true }
            if retained.count < Self.mostRetained { retained.insert(command.setting) }
            return refusal(
                text, warning: hasWarnedAboutRetained ? nil : "set/\(command.setting.prefix(40)): \(text)")
        }
        if case .button(let action)? = row?.effect {
            if let reason = action.refusal(context) { return refusal(reason) }
            return .answered(
                Outcome(answer: CommandedSettings.Answer(isAccepted: true, reason: "done"), action: action))
        }
        switch command.content {
        case .unreadable(let reason): return refusal(reason)
        case .nothing: return refusal("the payload is empty")
        case .value(let value):
            let before = settings
            let answer = settings.set(command.setting, value, context, at: now)
            fullChargeSince = settings.fullCharge == nil ? nil : fullChargeSince ?? now.monotonic
            return .answered(Outcome(answer: answer, isChanged: settings != before))
        }
    }

    /// Sets `chargeMode full` back to auto when the pack is full, or when that does not come about.
    ///
    /// - Parameter isRequested: the full charge has not ended.
    /// - Returns: the event; `nil`: nothing changes.
    mutating func endFullCharge(isRequested: Bool, at now: Timestamp) -> BatteryEvent? {
        guard let since = fullChargeSince else { return nil }
        let isGivenUp = now - since > Self.fullChargePatience
        guard isGivenUp || !isRequested else { return nil }
        fullChargeSince = nil
        settings.reset(SettingsTable.chargeMode.name)
        return isGivenUp
            ? BatteryEvent(
                "setting", .warning, "the full charge by command was given up after 48 h: the pack did not become full")
            : BatteryEvent("setting", .info, "the full charge by command is done")
    }
}
