/// A message to publish.
public struct OutgoingMessage: Hashable, Sendable {
    /// Which goes first where messages have to wait for the line.
    public enum Precedence: Int, Sendable, CaseIterable, Comparable {
        case first, early
        /// So large that it waits until the line is known to be wide; of any quality.
        case large
        case normal

        /// The earlier is the lesser.
        public static func < (one: Self, other: Self) -> Bool { one.rawValue < other.rawValue }
    }

    /// Topic, without wildcards.
    public var topic: String
    /// Payload.
    public var payload: [UInt8]
    /// Quality of service, 0...2.
    public var qos: Int
    /// The broker keeps it for later subscribers.
    public var retain: Bool
    /// Seconds after which the broker forgets it; MQTT 5 only, not sent on 3.1.1.
    public var expiry: Int?
    /// Correlation data of a response; MQTT 5 only.
    public var correlationData: [UInt8]?
    /// Which goes first where messages have to wait for the line.
    public var precedence: Precedence

    /// A message.
    public init(
        topic: String, payload: [UInt8], qos: Int = 0, retain: Bool = false, expiry: Int? = nil,
        correlationData: [UInt8]? = nil, precedence: Precedence = .normal
    ) {
        self.topic = topic
        self.payload = payload
        self.qos = qos
        self.retain = retain
        self.expiry = expiry
        self.correlationData = correlationData
        self.precedence = precedence
    }
}

/// A message that came.
public struct IncomingMessage: Hashable, Sendable {
    /// Topic.
    public var topic: String
    /// Payload.
    public var payload: [UInt8]
    /// Quality of service of the delivery.
    public var qos: Int
    /// It had been retained before this client subscribed, or its sender wanted it retained (see ``Subscription``).
    public var retain: Bool
    /// Where the sender wants an answer (MQTT 5).
    public var responseTopic: String?
    /// What the answer must carry (MQTT 5).
    public var correlationData: [UInt8]?
    /// Seconds until it expires (MQTT 5).
    public var expiry: Int?
}

/// A topic filter to subscribe to.
public struct Subscription: Hashable, Sendable {
    /// Filter, with wildcards.
    public var filter: String
    /// Highest quality of service of a delivery, 0...2.
    public var qos: Int
    /// This client's own messages do not come back (MQTT 5); on an older broker nothing comes, unless ``toleratesOwn``.
    public var noLocal: Bool
    /// On an older broker this client's own messages may come back with the others'.
    public var toleratesOwn: Bool
    /// A message comes with the retain flag that its sender gave it (MQTT 5); else the flag says that it was retained before.
    public var retainAsPublished: Bool
    /// What comes for it at once is large: it is asked for when the line has shown that it keeps up.
    public var isLarge: Bool

    /// A subscription.
    public init(
        _ filter: String, qos: Int = 0, noLocal: Bool = false, toleratesOwn: Bool = false,
        retainAsPublished: Bool = false, isLarge: Bool = false
    ) {
        self.filter = filter
        self.qos = qos
        self.noLocal = noLocal
        self.toleratesOwn = toleratesOwn
        self.retainAsPublished = retainAsPublished
        self.isLarge = isLarge
    }
}

/// What became of a publish. Success is no proof of delivery: the library says so of bytes that never leave.
public enum PublishOutcome: Hashable, Sendable {
    /// Written to the present connection, or waiting for its socket.
    case queued
    /// There is no accepted connection; nothing is kept for a later one.
    case notConnected
    /// Larger than the broker takes, by its own word (MQTT 5).
    case tooLarge
    /// Dropped: the broker takes nothing any more, and too much waits already.
    case full
    /// Dropped: the line is so slow that it would arrive after its expiry, and the broker would not keep it in the place of an older one.
    case late
    /// Refused by the library: its error number.
    case failed(Int32)
}
