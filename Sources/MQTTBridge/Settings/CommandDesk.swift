public import MQTT
import BMSCore
import ChargeLimits

/// A command as it came.
public struct InboundCommand: Hashable, Sendable {
    /// Setting, as the topic names it.
    var setting: String
    var payload: [UInt8]
    var isRetained: Bool
    /// Where the sender wants an answer (MQTT 5).
    var responseTopic: String?
    /// What the answer must carry.
    var correlationData: [UInt8]?
}

/// The answer to a command, ready but for the word whether it was kept.
public struct CommandAnswer: Hashable, Sendable {
    var topics: [String]
    var correlationData: [UInt8]?
    var setting: String
    var asked: String?
    var answer: CommandedSettings.Answer

    /// The messages of the answer.
    ///
    /// - Parameter failure: why a change could not be kept; `nil`: it was, or there is none.
    public func messages(failure: String?) -> [MQTTMessage] {
        var answer = answer
        if answer.isAccepted, let failure { answer.reason += ", but not kept over a restart: \(failure)" }
        let document = Documents.result(setting, asked, answer)
        return topics.enumerated().map { index, topic in
            var message = MQTTMessage(topic, document, qos: 1)
            if index > 0 { message.correlationData = correlationData }
            return message
        }
    }
}

/// Takes commands for one pack: retained ones and floods are refused, the rest is checked against the table.
struct CommandDesk: Sendable {
    private(set) var settings: CommandedSettings
    private var gate = CommandGate()
    private var hasToldRetained = false

    struct Outcome {
        var answer: CommandedSettings.Answer
        var asked: String?
        /// The deed of a button; `nil`: it was none.
        var action: SettingRow.Action?
        /// The settings changed and want to be kept.
        var isChanged = false
        /// A line for the log.
        var warning: String?
    }

    init(_ settings: CommandedSettings) { self.settings = settings }

    /// - Returns: what became of it; `nil` for what is refused without an answer, as in a flood.
    mutating func take(_ command: InboundCommand, _ context: SettingContext, isOff: Bool, at now: Moment) -> Outcome? {
        let asked = String(validating: command.payload.prefix(64), as: UTF8.self)
        func refusal(_ reason: String, warning: String? = nil) -> Outcome {
            let row = SettingsTable.row(command.setting, context.options)
            let effective = row.flatMap { settings.value($0, context) }
            let answer = CommandedSettings.Answer(isAccepted: false, reason: reason, effective: effective)
            return Outcome(answer: answer, asked: asked, warning: warning)
        }
        if case .refuse(let isFirst) = gate.check(at: now.monotonic) {
            let text = "too many commands: five a second are taken, the rest of the flood is dropped"
            return isFirst ? refusal(text, warning: text) : nil
        }
        if isOff { return refusal("commands are switched off in the configuration file (commands: off)") }
        if command.isRetained {
            let text =
                "retained commands are ignored: they would be repeated at each start; clear it with an empty retained message"
            defer { hasToldRetained = true }
            return refusal(text, warning: hasToldRetained ? nil : "set/\(command.setting.prefix(40)): \(text)")
        }
        // A button needs no payload.
        if case .button(let action)? = SettingsTable.row(command.setting, context.options)?.effect {
            if let reason = action.refusal(context) { return refusal(reason) }
            let answer = CommandedSettings.Answer(isAccepted: true, reason: "done")
            return Outcome(answer: answer, asked: asked, action: action)
        }
        do throws(CommandPayload.Fault) {
            let value = try CommandPayload.read(command.payload)
            let before = settings
            let answer = settings.take(command.setting, value, context, at: now)
            return Outcome(answer: answer, asked: asked, isChanged: settings != before)
        } catch {
            return refusal(error.text)
        }
    }

    /// A setting goes back to the file's.
    mutating func reset(_ name: String) { settings.reset(name) }
}
