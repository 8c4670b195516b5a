import BMSCore
import BatteryEngine
public import MQTT

/// The answer to a command, complete but for the word whether the change was kept.
public struct CommandAnswer: Hashable, Sendable {
    var topics: [String]
    var correlationData: [UInt8]?
    var result: CommandResult
    /// Time of the command.
    var time: Moment

    /// The messages of the answer.
    ///
    /// - Parameter failure: the reason why a change could not be kept; `nil`: it was kept, or there is none.
    public func messages(failure: String?) -> [MQTTMessage] {
        var answer = result.answer
        if answer.isAccepted, let failure { answer.reason += ", but not kept over a restart: \(failure)" }
        let document = Documents.result(result.setting, result.asked, answer, at: time)
        return topics.enumerated().map { index, topic in
            var message = MQTTMessage(topic, document, qos: 1)
            if index > 0 { message.correlationData = correlationData }
            return message
        }
    }
}
