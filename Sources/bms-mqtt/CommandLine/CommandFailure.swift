/// A command that cannot begin.
enum CommandFailure: Error {
    /// Arguments that contradict each other, or the configuration that they name.
    case usage(String)
    /// A faulty configuration, with one line for each fault.
    case configuration([String])

    /// Complaints to print, one a line.
    var lines: [String] {
        switch self {
        case .usage(let line): [line]
        case .configuration(let lines): lines
        }
    }

    /// Exit code of the program.
    var exitCode: ExitCode {
        switch self {
        case .usage: .usage
        case .configuration: .configuration
        }
    }
}

/// Exit codes that scripts may rely on.
enum ExitCode: Int32, CaseIterable, Sendable {
    case done = 0
    case failed = 1
    case usage = 2
    case configuration = 78

    /// Meaning, as the help prints it.
    var meaning: String {
        switch self {
        case .done: "done"
        case .failed: "failed while running"
        case .usage: "wrong command line"
        case .configuration: "wrong configuration"
        }
    }
}

extension Configuration {
    /// Reads a configuration file for a command.
    ///
    /// - Parameter isClient: the command talks to a running bridge: the file may be without packs.
    /// - Throws: ``CommandFailure/configuration(_:)`` with every fault of the file.
    static func load(_ file: String, isClient: Bool = false) throws(CommandFailure) -> Configuration {
        do throws(ConfigurationFaults) {
            return try ConfigurationFile.load(file, isClient: isClient)
        } catch {
            throw .configuration(error.lines)
        }
    }
}
