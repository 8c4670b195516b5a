public import BMSCore

/// A message on its way to the broker. What carries it knows nothing of packs.
public struct OutboundMessage: Hashable, Sendable {
    /// Which goes first where the line is too slow for everything.
    public enum Precedence: Sendable {
        /// Limits.
        case first
        /// What else somebody obeys: the document for a GX, relays.
        case early
        /// Tens of kilobytes, which would hold everything up on a narrow line: announcements.
        case large
        /// What somebody looks at.
        case normal
    }

    /// Topic, without wildcards.
    public var topic: String
    /// Payload bytes.
    public var payload: [UInt8]
    /// Quality of service, 0 or 1.
    public var qos: Int
    /// Whether the broker keeps it for later subscribers.
    public var retain: Bool
    /// Seconds after which the broker forgets it (MQTT 5); `nil`: never.
    public var expiry: Int?
    /// Correlation data of an answer (MQTT 5).
    public var correlationData: [UInt8]?
    /// Which goes first where the line is too slow for everything.
    public var precedence = Precedence.normal

    /// A message.
    public init(_ topic: String, _ payload: [UInt8], qos: Int = 0, retain: Bool = false, expiry: Int? = nil) {
        self.topic = topic
        self.payload = payload
        self.qos = qos
        self.retain = retain
        self.expiry = expiry
    }
}

/// What the bridge needs of an MQTT client. It must never queue for a later connection: after a reconnect the bridge
/// sends the newest state itself.
public protocol Transport: Sendable {
    /// Sends now or drops; `false` when dropped.
    @discardableResult
    func publish(_ message: OutboundMessage) -> Bool
}

/// Time as the bridge needs it: ages by a clock that never jumps, dates by the wall's.
public struct Moment: Hashable, Sendable {
    /// For ages, slews and heartbeats.
    public var monotonic: Timestamp
    /// Milliseconds since 1970 UTC, for what people and other programs read.
    public var wall: Int64
    /// Minute of the day, local time, 0...1439; `nil`: unknown.
    public var minuteOfDay: Int?

    /// A moment on both clocks.
    public init(monotonic: Timestamp, wall: Int64, minuteOfDay: Int? = nil) {
        self.monotonic = monotonic
        self.wall = wall
        self.minuteOfDay = minuteOfDay
    }

    /// Whole seconds since 1970.
    var wallSecond: Int64 { wall / 1000 }
}
