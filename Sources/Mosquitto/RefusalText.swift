import MQTT

/// Sentences about the refusals of a broker on an accepted connection, by reason. Pure.
///
/// Each reason has one row: the text in front of the number, and the remedy.
struct RefusalText {
    var broker: String
    var username: String?

    private var user: String { username.map { "user \"\($0)\"" } ?? "clients without user name" }

    /// The sentence about a refused request.
    ///
    /// - Parameter name: the library's name of the reason.
    func sentence(_ request: PendingRequests.Request, _ reason: Int32, name: String) -> String {
        let cause = "(\(name), reason \(reason))"
        return switch request {
        case .subscribe(let filter):
            "\(broker) refuses the subscription to \(filter), so nothing of it is heard \(cause): "
                + remedy(filter, reason)
        case .publish(let topic, let bytes, let isLarge):
            "\(broker) refuses messages on \(topic) \(cause): "
                + (reason == 149 ? Self.sizeRemedy(bytes, isLarge: isLarge) : remedy(topic, bytes, reason))
        }
    }

    /// The sentence about a message that is larger than the broker said that it takes.
    ///
    /// - Parameter limit: the limit of a whole packet, as the broker said.
    func tooLarge(_ message: MQTTMessage, limit: Int?) -> String {
        let limit = limit.map { "no packet above \($0) bytes" } ?? "no packet of that size"
        return "\(broker) takes \(limit), so \(message.topic) is not sent: "
            + Self.sizeRemedy(message.size, isLarge: message.precedence == .large)
    }

    private static func sizeRemedy(_ bytes: Int, isLarge: Bool) -> String {
        "topic and document have \(bytes) bytes: raise its limit (mosquitto: max_packet_size, message_size_limit)"
            + (isLarge
                ? "; an announcement for Home Assistant in one piece goes in pieces from now on, as with homeAssistant.discovery: entities"
                : "")
    }

    private func remedy(_ filter: String, _ reason: Int32) -> String {
        switch reason {
        case 135: "its access rules must allow \(user) to read it; 'bms-mqtt acl' prints the rules"
        case 128: "it says no more; its access rules must allow \(user) to read it, and its log may tell the cause"
        case 143: "it takes no filter of this form: check mqtt.base, gx.prefix and homeAssistant.prefix"
        case 151: "a quota of \(user) is used up: raise it there"
        case 158, 161, 162: "it does not offer such subscriptions: use a broker that does"
        default: "its log tells the cause"
        }
    }

    private func remedy(_ topic: String, _ bytes: Int, _ reason: Int32) -> String {
        switch reason {
        case 135: "its access rules must allow \(user) to write it; 'bms-mqtt acl' prints the rules"
        case 128: "it says no more; its access rules must allow \(user) to write it, and its log may tell the cause"
        case 144: "it takes no topic of this form: check mqtt.base, gx.prefix and homeAssistant.prefix"
        case 151: "a quota of \(user) is used up (this message: \(bytes) bytes): raise it there"
        default: "its log tells the cause"
        }
    }
}
