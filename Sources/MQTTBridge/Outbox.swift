public import MQTT

/// Something that a person who reads the log should know.
public struct Notice: Hashable, Sendable {
    /// Whether somebody should act.
    public enum Level: Sendable {
        /// Worth knowing.
        case info
        /// Somebody should act.
        case warning
    }

    /// Whether somebody should act.
    public var level: Level
    /// What happened, to which pack, what to do.
    public var text: String
}

/// What a step of the bridge wants sent and said, in order.
public struct Outbox: Sendable {
    /// Messages for the broker.
    public internal(set) var messages: [MQTTMessage] = []
    /// Lines for the log.
    public internal(set) var notices: [Notice] = []
    /// Packs and banks whose state wants to be kept, before the answers go out.
    public internal(set) var saves: Set<String> = []
    /// Answers to commands.
    public internal(set) var answers: [CommandAnswer] = []

    /// Packs and banks of an earlier configuration that need no more care.
    public internal(set) var settled: [DepartedPack] = []

    mutating func send(_ messages: [MQTTMessage]) { self.messages += messages }
    mutating func send(_ message: MQTTMessage) { messages.append(message) }
    mutating func say(_ level: Notice.Level, _ text: String) { notices.append(Notice(level: level, text: text)) }
}
