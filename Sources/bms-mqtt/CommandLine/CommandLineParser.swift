import BMSCore

/// The request of a command line.
enum Request: Sendable {
    /// A help text to print.
    case help(String)
    /// A subcommand to run.
    case run(CommandRow, Arguments)
}

/// A subcommand with checked options.
struct Arguments: Sendable {
    private var values: [String: String] = [:]

    fileprivate mutating func set(_ name: String, _ value: String) -> Bool {
        defer { values[name] = value }
        return values[name] == nil
    }

    /// Returns `true` if the option or argument was given.
    func has(_ name: String) -> Bool { values[name] != nil }
    /// The text of an option, as given.
    func text(_ name: String) -> String? { values[name] }
    /// The whole number of an option, in the range that the parser has checked.
    func whole(_ name: String) -> Int? { values[name].flatMap(Int.init) }
    /// The decimal number of an option, in the range that the parser has checked.
    func decimal(_ name: String) -> Double? { values[name].flatMap(Double.init) }
}

/// A command line that cannot be understood: the complaint and the usage of the command.
struct UsageError: Error, Hashable, Sendable {
    var text: String
    var usage: String
}

/// Turns the words of a command line into a ``Request``, by the ``CommandTable``.
enum CommandLineParser {
    static func parse(_ words: [String]) throws(UsageError) -> Request {
        guard let first = words.first else {
            throw UsageError(text: "no command given", usage: HelpText.shortUsage)
        }
        if first == "--help" || first == "-h" { return .help(HelpText.general) }
        if first == "--version" { return .run(VersionCommand.row, Arguments()) }
        if first == "help" {
            guard words.count > 1 else { return .help(HelpText.general) }
            return .help(HelpText.command(try row(words[1])))
        }
        return try parse(try row(first), Array(words.dropFirst()))
    }

    private static func row(_ name: String) throws(UsageError) -> CommandRow {
        if let row = CommandTable.row(name) { return row }
        let hint = Suggestion.nearest(name, CommandTable.rows.map(\.name)).map { ": did you mean '\($0)'?" } ?? ""
        throw UsageError(text: "unknown command '\(name.prefix(40))'\(hint)", usage: HelpText.shortUsage)
    }

    private static func parse(_ row: CommandRow, _ words: [String]) throws(UsageError) -> Request {
        var arguments = Arguments()
        var free = row.options.filter(\.isArgument)[...]
        var rest = words[...]
        func fail(_ text: String) -> UsageError { UsageError(text: text, usage: HelpText.usage(row)) }
        while let word = rest.popFirst() {
            if word == "--help" || word == "-h" { return .help(HelpText.command(row)) }
            // "-" is standard input, and -5 a value, though a bad one for most settings.
            guard word.hasPrefix("-"), word != "-", Double(word) == nil else {
                guard let argument = free.popFirst() else { throw fail("unexpected argument '\(word.prefix(40))'") }
                if let complaint = complaint(argument, word) { throw fail(complaint) }
                _ = arguments.set(argument.name, word)
                continue
            }
            let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            let known = row.options.filter { !$0.isArgument }
            guard let option = known.first(where: { $0.name == parts[0] }) else {
                let hint = Suggestion.nearest(parts[0], known.map(\.name)).map { ": did you mean '\($0)'?" } ?? ""
                throw fail("unknown option '\(parts[0].prefix(40))'\(hint)")
            }
            var value = ""
            if case .flag = option.kind {
                if parts.count > 1 { throw fail("\(option.name) takes no value") }
            } else if parts.count > 1 {
                value = parts[1]
            } else if let next = rest.popFirst() {
                value = next
            } else {
                throw fail("\(option.name) needs a value: \(option.usage)")
            }
            if let complaint = complaint(option, value) { throw fail(complaint) }
            guard arguments.set(option.name, value) else { throw fail("\(option.name) is given twice") }
        }
        for option in row.options where option.isRequired && !arguments.has(option.name) {
            throw fail("\(option.usage) is missing")
        }
        return .run(row, arguments)
    }

    private static func complaint(_ option: OptionRow, _ value: String) -> String? {
        let name = option.isArgument ? option.usage : option.name
        switch option.kind {
        case .flag, .text, .file: return value.isEmpty && !isFlag(option) ? "\(name) needs a value" : nil
        case .whole(_, let range):
            if let number = Int(value), range.contains(number) { return nil }
            let most = range.upperBound == Int.max ? "or more" : "to \(range.upperBound)"
            return "\(name): expected a whole number, \(range.lowerBound) \(most), found '\(value.prefix(40))'"
        case .decimal(_, let range):
            if let number = Double(value), range.contains(number) { return nil }
            return "\(name): expected a number, \(MonitorScreen.plain(range.lowerBound)) to "
                + "\(MonitorScreen.plain(range.upperBound)), found '\(value.prefix(40))'"
        case .choice(_, let words):
            if words.contains(value) { return nil }
            let hint = Suggestion.nearest(value, words).map { ": did you mean '\($0)'?" } ?? ""
            return "\(name): expected \(words.joined(separator: ", ")), found '\(value.prefix(40))'\(hint)"
        }
    }

    private static func isFlag(_ option: OptionRow) -> Bool {
        if case .flag = option.kind { true } else { false }
    }
}
