/// One option of a subcommand.
struct OptionRow: Sendable {
    /// Kind of value that an option takes.
    enum Kind: Sendable {
        /// No value.
        case flag
        case text(String)
        /// Path of a file.
        case file(String)
        case whole(String, ClosedRange<Int>)
        case decimal(String, ClosedRange<Double>)
        case choice(String, [String])
    }

    /// Name of an option with its dashes, like `--cells`; name of an argument without dashes.
    var name: String
    var kind: Kind
    var meaning: String
    var isRequired = false

    /// Name with the word for its value, like `--cells N`.
    var usage: String {
        switch kind {
        case .flag: name
        case .text(let word), .file(let word), .whole(let word, _), .decimal(let word, _), .choice(let word, _):
            isArgument ? word : "\(name) \(word)"
        }
    }

    var isArgument: Bool { !name.hasPrefix("-") }
}

/// One subcommand: name, options, help and work. The parser and the help texts read nothing else.
struct CommandRow: Sendable {
    var name: String
    var summary: String
    var options: [OptionRow]
    var details: String
    var examples: [String]
    var work: Work

    /// The work of a command, by the way in which it ends.
    enum Work: Sendable {
        /// Work that ends by itself; signals have their default effect.
        case plain(@Sendable (Arguments) throws(CommandFailure) -> Int32)
        /// Work that waits for several things at once; a signal or the end of `--seconds` cancels its task.
        case waiting(@Sendable (Arguments) async throws(CommandFailure) -> Int32)
        /// Work that handles signals itself.
        case service(@Sendable (Arguments) throws(CommandFailure) -> Int32)
    }
}
