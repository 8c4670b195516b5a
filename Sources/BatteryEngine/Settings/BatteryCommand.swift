/// Value of a command, not checked against a setting yet.
public enum CommandValue: Hashable, Sendable {
    /// Thousandths.
    case number(Int)
    /// On or off.
    case flag(Bool)
    /// A word or a text.
    case text(String)
}

/// A command for a setting or a button of a pack.
public struct BatteryCommand: Hashable, Sendable {
    /// The part of a command that its sender chooses.
    public enum Content: Hashable, Sendable {
        /// A value.
        case value(CommandValue)
        /// A payload that could not be read, with the reason. A button needs none.
        case unreadable(String)
        /// An empty payload: a press of a button, or the end of a retained command.
        case nothing
    }

    /// Name of the setting, as the client wrote it.
    public var setting: String
    /// The value.
    public var content: Content
    /// The value as the client wrote it, 64 characters at most; `nil`: it is no text.
    public var asked: String?
    /// The command was kept for later starts: it is refused, because it would be repeated at each of them.
    public var isRetained: Bool

    /// A command.
    public init(setting: String, content: Content, asked: String? = nil, isRetained: Bool = false) {
        self.setting = setting
        self.content = content
        self.asked = asked
        self.isRetained = isRetained
    }
}

/// Answer to a command.
public struct CommandResult: Hashable, Sendable {
    /// Id of the battery.
    public let battery: String
    /// Name of the setting, as the client wrote it.
    public let setting: String
    /// The value as the client wrote it; `nil`: it is no text.
    public let asked: String?
    /// The outcome.
    package var answer: CommandedSettings.Answer
}
