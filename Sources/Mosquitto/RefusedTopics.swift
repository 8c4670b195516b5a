/// Topics of which the broker took nothing lately, with what showed it.
struct RefusedTopics: Sendable {
    /// What shows that a message is not taken, and so what shows that it is.
    enum Cause: Sendable {
        /// The library, which knows the broker's limit.
        case size
        /// The broker's answer.
        case answer
    }

    /// Far more than a thousand packs have.
    private static let most = 16_384

    private var causes: [String: Cause] = [:]

    /// - Returns: it is news.
    mutating func add(_ topic: String, _ cause: Cause) -> Bool {
        guard causes.count < Self.most || causes[topic] != nil else { return false }
        return causes.updateValue(cause, forKey: topic) == nil
    }

    /// - Returns: it was refused for this cause until now.
    mutating func remove(_ topic: String, _ cause: Cause) -> Bool {
        // Mostly there is none, and to hash a topic is dear beside that.
        guard !causes.isEmpty, causes[topic] == cause else { return false }
        causes[topic] = nil
        return true
    }
}
