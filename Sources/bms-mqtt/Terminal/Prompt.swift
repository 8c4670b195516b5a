import Glibc
import ServiceIO

/// Questions to a person at a terminal. A signal, which cancels the task, ends the wait for an answer.
enum Prompt {
    /// Longest answer, bytes.
    private static let longest = 4_096

    /// The answer in one line, without spaces at its ends; `nil`: the input has ended, or the task was cancelled.
    static func line(_ question: String, isSecret: Bool = false) -> String? {
        var before = termios()
        let hides = isSecret && tcgetattr(STDIN_FILENO, &before) == 0
        if hides {
            var settings = before
            settings.c_lflag &= ~tcflag_t(ECHO)
            tcsetattr(STDIN_FILENO, TCSANOW, &settings)
        }
        defer {
            if hides {
                tcsetattr(STDIN_FILENO, TCSANOW, &before)
                Console.write("\n")
            }
        }
        // After the echo is off: who sees the question may type at once.
        Console.write("\(question): ")
        guard let text = read() else { return nil }
        if isSecret { return text }
        return String(text.drop { $0.isWhitespace }.reversed().drop { $0.isWhitespace }.reversed())
    }

    /// Yes or no.
    static func confirm(_ question: String, standard: Bool) -> Bool {
        guard let text = line("\(question) [\(standard ? "Y/n" : "y/N")]")?.lowercased() else { return false }
        return text.isEmpty ? standard : text == "y" || text == "yes"
    }

    private static func read() -> String? {
        var bytes: [UInt8] = []
        while !Task.isCancelled, bytes.count < longest {
            var entry = pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0)
            guard poll(&entry, 1, 100) > 0 else { continue }
            var byte: UInt8 = 0
            guard Glibc.read(STDIN_FILENO, &byte, 1) == 1 else { return nil }
            if byte == UInt8(ascii: "\n") { return String(decoding: bytes, as: UTF8.self) }
            bytes.append(byte)
        }
        return nil
    }
}
