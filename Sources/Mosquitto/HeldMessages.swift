import MQTT

/// Messages that wait until the line takes something again: only the newest of each topic, so that a line that is too narrow carries new
/// data instead of a queue of old data.
struct HeldMessages: Sendable {
    private struct Held: Sendable {
        var message: MQTTMessage
        /// Time of the publish, in seconds of the monotonic clock.
        var since: Double
    }

    /// Topics by precedence in the order in which they began to wait: a topic whose message is renewed keeps its turn.
    private var lanes = MQTTMessage.Precedence.allCases.map { _ in [String]() }
    private var messages: [String: Held] = [:]
    /// Bytes of topics and payloads.
    private(set) var bytes = 0

    var isEmpty: Bool { messages.isEmpty }

    /// Additional bytes that wait after ``hold(_:at:)``; below 0 where the message replaces a longer one.
    func growth(by message: MQTTMessage) -> Int {
        message.size - (messages[message.topic]?.message.size ?? 0)
    }

    /// Lets a message wait, in the place of an older one of its topic.
    mutating func hold(_ message: MQTTMessage, at now: Double) {
        bytes += growth(by: message)
        if messages.updateValue(Held(message: message, since: now), forKey: message.topic) == nil {
            lanes[message.precedence.rawValue].append(message.topic)
        }
    }

    /// True when a message of one of these precedences waits.
    func holds(_ precedences: ClosedRange<MQTTMessage.Precedence>) -> Bool {
        !messages.isEmpty
            && lanes[precedences.lowerBound.rawValue...precedences.upperBound.rawValue].contains { !$0.isEmpty }
    }

    /// Hands the messages of a precedence to `send`, in their order, until `send` says that there is no more room.
    ///
    /// A message that has expired is left out.
    ///
    /// - Parameter send: gets the message and the seconds for which it waited; returns true while there is more room.
    mutating func release(
        _ precedence: MQTTMessage.Precedence, at now: Double, send: (MQTTMessage, Double) -> Bool
    ) {
        let lane = precedence.rawValue
        var (count, hasRoom) = (0, true)
        while hasRoom, count < lanes[lane].count {
            hasRoom = release(lanes[lane][count], at: now, send)
            count += 1
        }
        lanes[lane].removeFirst(count)
    }

    /// Forgets the waiting message of a topic.
    mutating func drop(_ topic: String) {
        // Mostly none waits, and hashing a topic is expensive compared with this check.
        guard !messages.isEmpty, let held = messages.removeValue(forKey: topic) else { return }
        bytes -= held.message.size
        lanes[held.message.precedence.rawValue].removeAll { $0 == topic }
    }

    private mutating func release(_ topic: String, at now: Double, _ send: (MQTTMessage, Double) -> Bool) -> Bool {
        guard let held = messages.removeValue(forKey: topic) else { return true }
        bytes -= held.message.size
        let waited = now - held.since
        if let expiry = held.message.expiry, Double(expiry) - waited < 1 { return true }
        return send(held.message, waited)
    }
}

extension MQTTMessage {
    /// The message may be replaced by a newer one of its topic while it waits; QoS 1 and 2 promise more than the newest.
    var mayWait: Bool { qos == 0 || precedence == .large }

    /// Bytes of topic and payload.
    var size: Int { topic.utf8.count + payload.count }

    /// The message for a broker that gets it so many seconds after it was published and counts its expiry from then; `nil` where it comes
    /// too late.
    func arriving(after seconds: Double) -> MQTTMessage? {
        guard let expiry else { return self }
        // Whole seconds, rounded down: a limit must never last longer than its data allows.
        let rest = Int(Double(expiry) - seconds)
        // A retained message that comes too late still takes the place of an older one.
        guard rest >= 1 || retain else { return nil }
        var message = self
        message.expiry = max(1, rest)
        return message
    }
}
