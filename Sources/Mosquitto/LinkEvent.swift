public import MQTT
import LinuxIO

/// News of the connection.
public enum LinkEvent: Sendable {
    /// The broker at this place of the list accepted this client. The note says what is lost there: "speaks MQTT 3.1.1 only: ...".
    case connected(ProtocolVersion, note: String?, place: Int)
    /// The connection ended or could not be made; another attempt follows, perhaps to another broker.
    case disconnected(LinkFailure)
    /// The line to the broker takes large messages, or is too slow for them: then only the newest message of each topic waits for its turn.
    /// Reported after each connection and when it changes.
    case line(takesLarge: Bool)
    /// A message for one of the subscriptions.
    case message(MQTTMessage)
    /// The broker takes no messages on a topic, because of its access rules, their size or another cause; or it takes them again.
    case refusal(topic: String, isOver: Bool, isOfSize: Bool)
}

/// The reason why there is no connection, for people.
public struct LinkFailure: Error, Hashable, Sendable, CustomStringConvertible {
    /// The operation that failed.
    public enum Operation: String, Sendable {
        /// Finding the host or opening the TCP connection.
        case connect
        /// TLS, or the broker's answer to CONNECT.
        case handshake
        /// An accepted connection.
        case session
    }

    /// The operation that failed.
    public var operation: Operation
    /// Error number of the library, or the broker's reason code from 128 on.
    public var code: Int32
    /// The broker knows no such user, or another password (the codes of MQTT 3.1.1 and of MQTT 5).
    public var isOfCredentials: Bool { operation == .handshake && [4, 5, 134, 135].contains(code) }
    /// The broker ended the connection in place of an answer to CONNECT: another attempt may be one in another version.
    public var isHangUp: Bool { operation == .handshake && code == Self.connectionLost }
    /// The library's number of an end of the connection.
    private static let connectionLost: Int32 = 7
    /// The broker ended an accepted connection because of a message that was too large for it, or probably so.
    public var isOfSize: Bool { operation == .session && (code == 149 || endsAtLarge) }
    /// One sentence that says which broker, what happened and what to do.
    public var description: String
    /// Another attempt may help without anybody doing something. Attempts go on in any case.
    public var isRetryable: Bool
    /// Seconds until the next attempt.
    public var retryIn: Double
    /// The broker of the next attempt, where it is another one.
    public var next: BrokerAddress?
    /// Shortest time until the broker should be tried again, in seconds: less would be of no use, or would do harm.
    var pause = 0.0
    /// Connections to this broker end while a large message is on its way.
    var endsAtLarge = false

    /// The next attempt, for people.
    public var outlook: String {
        let seconds = Int(retryIn.rounded(.up))
        guard let next else { return "next attempt in \(seconds) s" }
        return "\(next) is tried \(seconds == 0 ? "now" : "in \(seconds) s")"
    }
}

/// Events in order. Messages are bounded: when nobody reads, the newest are dropped and counted; the connection's own news is never
/// dropped.
public struct LinkEvents: AsyncSequence, Sendable {
    let stream: HandoverStream<LinkEvent>
    let backlog: Backlog

    /// Reads the events.
    public struct Iterator: AsyncIteratorProtocol {
        var base: HandoverStream<LinkEvent>.Iterator
        let backlog: Backlog

        /// The next event; `nil` after the link was stopped.
        public mutating func next(isolation actor: isolated (any Actor)?) async -> LinkEvent? {
            let event = await base.next(isolation: actor)
            if case .message(let message)? = event { backlog.taken(message.payload.count) }
            return event
        }

        /// The next event; `nil` after the link was stopped.
        public mutating func next() async -> LinkEvent? { await next(isolation: #isolation) }
    }

    /// An iterator; there is one reader.
    public func makeAsyncIterator() -> Iterator { Iterator(base: stream.makeAsyncIterator(), backlog: backlog) }
}
