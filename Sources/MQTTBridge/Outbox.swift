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
    public internal(set) var messages: [OutboundMessage] = []
    /// Lines for the log.
    public internal(set) var notices: [Notice] = []
    /// Packs and banks whose state wants to be kept, before the answers go out.
    public internal(set) var saves: Set<String> = []
    /// Answers to commands.
    public internal(set) var answers: [CommandAnswer] = []

    /// Packs and banks of an earlier configuration that need no more care.
    public internal(set) var settled: [DepartedPack] = []

    /// Every pack was heard since this was said last: no tick is needed for ``Bridge/rest``.
    public internal(set) var mayRest = false

    /// A command's limits have gone out, and what else it changed is worked out by the next step: that step should come as soon as
    /// this thread has let go of the processor. The limits may have to wait for it.
    public internal(set) var awaitsTick = false

    /// Takes messages that should not wait until the whole step is worked out; `nil`: they wait.
    var express: (@Sendable (OutboundMessage) -> Void)?

    /// Messages may go ahead of what the step has not worked out yet.
    var isExpress: Bool { express != nil }

    private var expressCount = 0
    /// Messages of this step so far, those ahead of it included.
    var count: Int { messages.count + expressCount }

    /// Sends a message ahead of all others of this step.
    mutating func sendAtOnce(_ message: OutboundMessage) {
        guard let express else { return send(message) }
        express(message)
        expressCount += 1
    }

    mutating func send(_ messages: [OutboundMessage]) { self.messages += messages }
    mutating func send(_ message: OutboundMessage) { messages.append(message) }
    mutating func say(_ level: Notice.Level, _ text: String) { notices.append(Notice(level: level, text: text)) }
}
