/// Messages that wait until the line takes something again: of each topic the newest alone, so that a line that
/// is too narrow carries what is new instead of a queue of what was.
struct HeldMessages: Sendable {
    private struct Held: Sendable {
        var message: OutgoingMessage
        /// When it was published, in seconds of the monotonic clock.
        var since: Double
    }

    /// Topics by precedence in the order in which they began to wait: one that is renewed keeps its turn.
    private var lanes = OutgoingMessage.Precedence.allCases.map { _ in [String]() }
    private var messages: [String: Held] = [:]
    /// Bytes of topics and payloads.
    private(set) var bytes = 0

    var isEmpty: Bool { messages.isEmpty }

    /// Bytes more that wait after ``hold(_:at:)``, below 0 where it takes the place of a longer one.
    func growth(by message: OutgoingMessage) -> Int {
        message.size - (messages[message.topic]?.message.size ?? 0)
    }

    /// Lets a message wait, in the place of an older one of its topic.
    mutating func hold(_ message: OutgoingMessage, at now: Double) {
        bytes += growth(by: message)
        if messages.updateValue(Held(message: message, since: now), forKey: message.topic) == nil {
            lanes[message.precedence.rawValue].append(message.topic)
        }
    }

    /// Whether one of such a precedence waits.
    func holds(_ precedences: ClosedRange<OutgoingMessage.Precedence>) -> Bool {
        !messages.isEmpty
            && lanes[precedences.lowerBound.rawValue...precedences.upperBound.rawValue].contains { !$0.isEmpty }
    }

    /// Those of a precedence that are to be sent now, in their order, until `send` says that there is no more room.
    ///
    /// One that has expired is left out.
    ///
    /// - Parameter send: gets the seconds for which the message waited, too.
    mutating func release(
        _ precedence: OutgoingMessage.Precedence, at now: Double, send: (OutgoingMessage, Double) -> Bool
    ) {
        let lane = precedence.rawValue
        var (count, hasRoom) = (0, true)
        while hasRoom, count < lanes[lane].count {
            hasRoom = release(lanes[lane][count], at: now, send)
            count += 1
        }
        lanes[lane].removeFirst(count)
    }

    /// Forgets what waits of a topic.
    mutating func drop(_ topic: String) {
        // Mostly none waits, and to hash a topic is dear beside that.
        guard !messages.isEmpty, let held = messages.removeValue(forKey: topic) else { return }
        bytes -= held.message.size
        lanes[held.message.precedence.rawValue].removeAll { $0 == topic }
    }

    private mutating func release(_ topic: String, at now: Double, _ send: (OutgoingMessage, Double) -> Bool) -> Bool {
        guard let held = messages.removeValue(forKey: topic) else { return true }
        bytes -= held.message.size
        let waited = now - held.since
        if let expiry = held.message.expiry, Double(expiry) - waited < 1 { return true }
        return send(held.message, waited)
    }
}

extension OutgoingMessage {
    /// Quality 1 and 2 promise more than the newest.
    var mayWait: Bool { qos == 0 || precedence == .large }

    /// Bytes of topic and payload.
    var size: Int { topic.utf8.count + payload.count }

    /// The message for a broker that gets it so many seconds after it was published, and counts its expiry from then; `nil`: too late.
    func arriving(after seconds: Double) -> OutgoingMessage? {
        guard let expiry else { return self }
        // Whole seconds, down: a limit must never last longer than its data allows.
        let rest = Int(Double(expiry) - seconds)
        // What is retained and comes too late still takes the place of something older.
        guard rest >= 1 || retain else { return nil }
        var message = self
        message.expiry = max(1, rest)
        return message
    }
}
