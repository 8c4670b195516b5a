/// Messages of quality 0 that wait until the socket takes something again: of each topic the newest alone, so that a line that
/// is too narrow carries what is new instead of a queue of what was.
struct HeldMessages: Sendable {
    private struct Held: Sendable {
        var message: OutgoingMessage
        /// When it was published, in seconds of the monotonic clock.
        var since: Double
    }

    /// Topics in the order in which they began to wait: one that is renewed keeps its turn.
    private var order: [String] = []
    private var messages: [String: Held] = [:]
    /// Bytes of topics and payloads.
    private(set) var bytes = 0

    var isEmpty: Bool { order.isEmpty }

    /// Bytes more that wait after ``hold(_:at:)``, below 0 where it takes the place of a longer one.
    func growth(by message: OutgoingMessage) -> Int {
        message.size - (messages[message.topic]?.message.size ?? 0)
    }

    /// Lets a message wait, in the place of an older one of its topic.
    mutating func hold(_ message: OutgoingMessage, at now: Double) {
        bytes += growth(by: message)
        if messages.updateValue(Held(message: message, since: now), forKey: message.topic) == nil {
            order.append(message.topic)
        }
    }

    /// Those that are to be sent now, in their order, while there is room.
    ///
    /// A message that waited expires so much sooner, and one that has expired is left out: the broker counts from when it gets it.
    mutating func release(at now: Double, send: (OutgoingMessage) -> Bool) {
        var count = 0
        for topic in order {
            count += 1
            guard let held = messages.removeValue(forKey: topic) else { continue }
            bytes -= held.message.size
            var message = held.message
            if let expiry = message.expiry {
                let rest = Double(expiry) - (now - held.since)
                // Whole seconds, down: a limit must never last longer than its data allows.
                guard rest >= 1 else { continue }
                message.expiry = Int(rest)
            }
            if !send(message) { break }
        }
        order.removeFirst(count)
    }
}

extension OutgoingMessage {
    /// Bytes of topic and payload.
    var size: Int { topic.utf8.count + payload.count }
}
