/// A message on its way to the broker, or from it.
public struct MQTTMessage: Hashable, Sendable {
    /// Order of sending where messages have to wait for the line.
    public enum Precedence: Int, Sendable, CaseIterable, Comparable {
        /// Limits, and messages that open a relay.
        case first
        /// Other messages that a machine obeys: the document for a GX, relays.
        case early
        /// Announcements: tens of kilobytes, which wait until the line is known to be wide.
        case large
        /// Everything that people look at.
        case normal
        /// Single values, which documents repeat.
        case last

        /// An earlier precedence is less than a later one.
        public static func < (one: Self, other: Self) -> Bool { one.rawValue < other.rawValue }
    }

    /// Topic, without wildcards.
    public var topic: String
    /// Payload.
    public var payload: [UInt8]
    /// Quality of service, 0...2.
    public var qos: Int
    /// True when the broker keeps the message for later subscribers. On a received message: the broker kept it before this client
    /// subscribed, or its sender wants it kept (see ``Subscription/retainAsPublished``).
    public var retain: Bool
    /// Message expiry interval in seconds (MQTT 5; not sent on MQTT 3.1.1); `nil` where there is none.
    public var expiry: Int?
    /// Response topic of a request (MQTT 5).
    public var responseTopic: String?
    /// Correlation data of a request or its response (MQTT 5).
    public var correlationData: [UInt8]?
    /// Order of sending.
    public var precedence: Precedence

    /// A message.
    public init(
        _ topic: String, _ payload: [UInt8], qos: Int = 0, retain: Bool = false, expiry: Int? = nil,
        responseTopic: String? = nil, correlationData: [UInt8]? = nil, precedence: Precedence = .normal
    ) {
        self.topic = topic
        self.payload = payload
        self.qos = qos
        self.retain = retain
        self.expiry = expiry
        self.responseTopic = responseTopic
        self.correlationData = correlationData
        self.precedence = precedence
    }

    /// A message with text.
    public init(
        _ topic: String, _ payload: String, qos: Int = 0, retain: Bool = false, expiry: Int? = nil,
        precedence: Precedence = .normal
    ) {
        self.init(topic, Array(payload.utf8), qos: qos, retain: retain, expiry: expiry, precedence: precedence)
    }
}
