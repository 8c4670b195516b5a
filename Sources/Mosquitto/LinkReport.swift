import MQTT

extension LinkCore {
    /// News that callbacks leave for the network thread. Callbacks run while that thread, or a publisher, holds ``state``.
    struct Report: Sendable {
        /// Answer to CONNECT, if one came; 0 is success.
        var connack: Int32?
        /// Number of unacknowledged messages that the broker takes, where the broker said so.
        var receiveMaximum: Int?
        /// Largest packet that the broker takes, in bytes, where the broker said so.
        var maximumPacket: Int?
        /// The reason for which the broker ended the connection, where the broker said so (MQTT 5).
        var dismissal: Int32?
        /// Messages in the order of their arrival.
        var messages: [MQTTMessage] = []
        /// Bytes of the payloads of ``messages``.
        var bytes = 0
        /// Bytes of payloads that may come with one turn of the network thread.
        static let room = 4 << 20
        /// Sentences about subscriptions and messages that the broker refused.
        var refusals: [String] = []
        /// Topics on which the broker takes no messages, or takes messages again.
        var changedTopics: [(topic: String, isOver: Bool, isOfSize: Bool)] = []
        /// Large messages may go out, where that has changed.
        var takesLarge: Bool?
        /// The broker acknowledged a message.
        var isAcknowledging = false
        /// Lines of the library that name causes.
        var lines: [String] = []
    }
}

extension LinkCore.Report {
    /// Largest number of sentences that wait for the network thread: for a thousand packs, a few sentences say the same.
    private static let most = 64

    mutating func add(_ refusal: String) {
        if refusals.count < Self.most { refusals.append(refusal) }
    }
}
