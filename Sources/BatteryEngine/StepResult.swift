import BMSCore

/// Cause of a battery's report.
public enum Trigger: Hashable, Sendable {
    /// A good frame came, of the pack or of a pack of the bank.
    case frame
    /// Time has passed, or a frame was refused.
    case time
    /// A command was handled.
    case command
    /// A relay said something, or its guard came or went.
    case relay
    /// An output connected, and knows nothing of the battery.
    case connection
}

/// An event that people want to know of: an alarm, a lost link, a change by command.
public struct BatteryEvent: Hashable, Sendable {
    /// Kind of event, one word.
    public var kind: String
    /// A sentence.
    public var text: String
    /// Level of the log line; `nil`: the event is no line of the log.
    public var level: Notice.Level?
    /// The event comes and goes with measured values. Where not every event can be reported, the others go first.
    public var isFleeting: Bool

    package init(_ kind: String, _ level: Notice.Level?, _ text: String, isFleeting: Bool = false) {
        self.kind = kind
        self.level = level
        self.text = text
        self.isFleeting = isFleeting
    }
}

/// A line for the log.
public struct Notice: Hashable, Sendable {
    /// Urgency of a line.
    public enum Level: Sendable {
        /// Worth knowing.
        case info
        /// Somebody should act.
        case warning
    }

    /// Urgency.
    public var level: Level
    /// A sentence: the event, its place, and the remedy.
    public var text: String

    /// A line.
    public init(_ level: Level, _ text: String) {
        self.level = level
        self.text = text
    }
}

/// An order to a relay that the bridge drives.
public struct RelayOrder: Hashable, Sendable {
    /// The relay by configuration.
    public let relay: RelayOptions
    /// The relay must close; else it must open.
    public let isClosed: Bool
}

/// Everything new about one battery in one step.
public struct BatteryUpdate: Sendable {
    /// Place of the battery: packs in the order of the configuration, then banks.
    public let battery: Int
    /// The battery now.
    public var report: BatteryReport
    /// Cause of the report.
    public let trigger: Trigger
    /// Orders to relays, which cannot wait.
    public internal(set) var orders: [RelayOrder] = []
    /// Events, in their order.
    public internal(set) var events: [BatteryEvent] = []
    /// Action of a button; `nil`: none was pressed.
    package internal(set) var action: SettingRow.Action?
    /// The state of the battery must be kept before its command is answered.
    public internal(set) var mustBeKept = false

    init(_ battery: Int, _ report: BatteryReport, _ trigger: Trigger) {
        self.battery = battery
        self.report = report
        self.trigger = trigger
    }
}

/// Everything new in one step.
public struct StepResult: Sendable {
    /// Updates, each battery's at most once; those of banks come last.
    public internal(set) var updates: [BatteryUpdate] = []
    /// Answers to commands.
    public internal(set) var answers: [CommandResult] = []
    /// Lines for the log beside those of the events.
    public internal(set) var notices: [Notice] = []
}
