public import BatteryEngine
public import MQTT

/// Everything that a step of the bridge brings.
public struct Outbox: Sendable {
    /// Messages for the broker, in order; none while there is no connection.
    public internal(set) var messages: [MQTTMessage] = []
    /// Subscriptions for the present connection alone.
    public internal(set) var subscriptions: [Subscription] = []
    /// Lines for the log.
    public internal(set) var notices: [Notice] = []
    /// Ids of packs and banks whose states must be kept before the answers go out.
    public internal(set) var saves: Set<String> = []
    /// Answers to commands.
    public internal(set) var answers: [CommandAnswer] = []
    /// Packs and banks of an earlier configuration, with the names of all brokers at which nothing is left of them, where that has changed.
    public internal(set) var cleared: [DepartedPack: Set<String>] = [:]
    /// Packs and banks of an earlier configuration that need no more care.
    public internal(set) var settled: [DepartedPack] = []
    /// Reports of the step, for other ways out: they come with and without a broker.
    public internal(set) var updates: [BatteryUpdate] = []

    mutating func send(_ messages: [MQTTMessage]) { self.messages += messages }
    mutating func send(_ message: MQTTMessage) { messages.append(message) }
    mutating func log(_ level: Notice.Level, _ text: String) { notices.append(Notice(level, text)) }
}
