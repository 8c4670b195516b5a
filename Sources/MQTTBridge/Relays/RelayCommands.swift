/// Messages of others on a relay's command topic.
///
/// The bridge's own commands do not come back (MQTT 5), or are told from those of others by not being retained (3.1.1).
struct RelayCommands: Hashable, Sendable {
    /// Longer payloads are looked at no further than that: no word that opens is as long.
    private static let longest = 1024

    /// A retained message was told of since the connection stands.
    private var isRetentionTold = false

    /// News of a message.
    enum News: Hashable {
        /// Nothing to do.
        case none
        /// Somebody else may have closed the device with this.
        case closing(String)
    }

    /// The connection is gone, or a new one stands: what is retained there is told anew.
    mutating func forget() { isRetentionTold = false }

    /// Takes a message of the command topic.
    ///
    /// Whatever is not the word that opens counts as one that may close: a device knows more words than the file, as Tasmota does
    /// `on`, `1` and `TOGGLE`, and Zigbee2MQTT JSON with other members. An empty one closes nothing.
    ///
    /// - Parameter isRetained: its sender wants the broker to keep it.
    /// - Returns: what it may do to the device, and a sentence where it is retained, the first time.
    mutating func take(_ payload: [UInt8], isRetained: Bool, _ options: RelayOptions) -> (News, RelayBoard.News?) {
        guard !payload.isEmpty else { return (.none, nil) }
        let text = payload.count <= Self.longest ? String(validating: payload, as: UTF8.self) : nil
        let word = text ?? "(\(payload.count) bytes)"
        let opens = text?.lowercased() == options.payloadOpen.lowercased()
        let news: News = opens ? .none : .closing(word)
        guard isRetained, !isRetentionTold else { return (news, nil) }
        isRetentionTold = true
        let topic = options.commandTopic
        let effect =
            opens
            ? "opens relay \(options.name) each time its device connects, until the command is repeated"
            : "may close relay \(options.name) each time its device connects, whatever the BMS says"
        let sentence =
            "a retained '\(word.prefix(40))' on \(topic) \(effect): remove it with \"mosquitto_pub -t '\(topic)' -r -n\", "
            + "and have whoever sent it send without retain"
        return (news, RelayBoard.News(level: opens ? .info : .warning, text: sentence))
    }
}
