/// State of a relay, for documents and entities.
public struct RelayState: Hashable, Sendable {
    /// The relay by configuration.
    public var options: RelayOptions
    /// Override in force: "auto", "off" or "on".
    public var command: String
    /// Position as commanded; `nil`: not decided yet.
    public var isClosed: Bool?
    /// Position as its device reports it; `nil`: unknown.
    public var readBack: Bool?
    /// The device does not do what it was told.
    public var isAlarm: Bool
    /// Reason for the position, a sentence.
    public var reason: String
    /// Wall time of the last change, ms since 1970; `nil`: there was none since the start.
    public var since: Int64?
    /// Number of device states that could not be read.
    public var faults: Int
    /// Number of commands to open that something else made necessary, since the start.
    public var reopened: Int

    /// The same without the values that may wait for the heartbeat.
    package var urgent: RelayState {
        var state = self
        (state.reason, state.faults, state.reopened) = ("", 0, 0)
        return state
    }
}

/// Something that was heard of a relay.
public enum RelayWord: Hashable, Sendable {
    /// Its device reports its position.
    case state(isClosed: Bool)
    /// Its device reported something that is no position, with a sentence for people.
    case unreadable(String)
    /// Somebody else sent this to the device, which may have closed.
    case closing(String)
}

/// A message about a relay.
public struct RelayHearing: Hashable, Sendable {
    /// Name of the relay.
    public var relay: String
    /// The message; `nil`: it changes nothing.
    public var word: RelayWord?
    /// An event that the message alone is.
    public var event: BatteryEvent?

    /// A message.
    public init(relay: String, word: RelayWord?, event: BatteryEvent? = nil) {
        self.relay = relay
        self.word = word
        self.event = event
    }
}
