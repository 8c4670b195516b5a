import LinuxIO

/// Requests that the broker has yet to answer, by the library's message identifiers: a refusal names only the identifier.
final class PendingRequests: Sendable {
    enum Request: Sendable {
        case subscribe(String)
        /// Topic, bytes of topic and payload, and true for a large message.
        case publish(String, bytes: Int, isLarge: Bool)
    }

    /// Largest number of requests, more than the library sends unanswered; beyond it, answers were missed.
    private static let most = 1024

    private let requests = Lock<[Int32: Request]>([:])

    func note(_ identifier: Int32, _ request: Request) {
        requests.withLock { requests in
            if requests.count >= Self.most { requests = [:] }
            requests[identifier] = request
        }
    }

    /// The request of an answer; `nil` where the request is not known.
    func take(_ identifier: Int32) -> Request? { requests.withLock { $0.removeValue(forKey: identifier) } }

    /// The answer to a large message is to come.
    var owesLarge: Bool {
        requests.withLock { requests in
            requests.values.contains { if case .publish(_, _, isLarge: true) = $0 { true } else { false } }
        }
    }

    /// Forgets all requests, because a new connection begins: nobody answers the requests of the old one.
    func clear() { requests.withLock { $0 = [:] } }
}
