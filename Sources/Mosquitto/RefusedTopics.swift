/// Topics on which the broker recently took no messages, with the sign that showed it.
struct RefusedTopics: Sendable {
    /// The sign that shows that a message is not taken, and later that it is taken again.
    enum Cause: Sendable {
        /// The library, which knows the broker's limit.
        case size
        /// The broker's answer.
        case answer
    }

    /// Largest number of topics: far more than a thousand packs have.
    private static let most = 16_384

    private var causes: [String: Cause] = [:]

    /// - Returns: true when the refusal is news.
    mutating func add(_ topic: String, _ cause: Cause) -> Bool {
        guard causes.count < Self.most || causes[topic] != nil else { return false }
        return causes.updateValue(cause, forKey: topic) == nil
    }

    /// - Returns: true when the topic was refused for this cause until now.
    mutating func remove(_ topic: String, _ cause: Cause) -> Bool {
        // Mostly no topic is refused, and hashing a topic is expensive compared with this check.
        guard !causes.isEmpty, causes[topic] == cause else { return false }
        causes[topic] = nil
        return true
    }
}
