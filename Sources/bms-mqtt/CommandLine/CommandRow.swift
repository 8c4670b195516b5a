/// One option of a subcommand.
struct OptionRow: Sendable {
    /// What an option's value must be.
    enum Kind: Sendable {
        /// No value.
        case flag
        case text(String)
        case whole(String, ClosedRange<Int>)
        case decimal(String, ClosedRange<Double>)
        case choice(String, [String])
    }

    /// "--cells", or the name of an argument without dashes.
    var name: String
    var kind: Kind
    var meaning: String
    var isRequired = false

    /// "--cells N"
    var usage: String {
        switch kind {
        case .flag: name
        case .text(let word), .whole(let word, _), .decimal(let word, _), .choice(let word, _):
            isArgument ? word : "\(name) \(word)"
        }
    }

    var isArgument: Bool { !name.hasPrefix("-") }
}

/// One subcommand: name, options, help, and what it does. Parsing and help texts follow from it.
struct CommandRow: Sendable {
    var name: String
    var summary: String
    var options: [OptionRow]
    var details: String
    var examples: [String]
    var work: Work

    /// What a command does, by who ends it.
    enum Work: Sendable {
        /// It ends by itself; a signal ends it as the system does.
        case plain(@Sendable (Arguments) throws(CommandFailure) -> Int32)
        /// It waits for several things at once. A signal, or `--seconds`, cancels its task.
        case waiting(@Sendable (Arguments) async throws(CommandFailure) -> Int32)
        /// It handles signals itself.
        case service(@Sendable (Arguments) throws(CommandFailure) -> Int32)
    }
}
