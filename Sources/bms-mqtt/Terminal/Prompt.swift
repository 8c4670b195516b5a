import Glibc

/// Questions to a person at a terminal.
enum Prompt {
    /// The answer in one line, without spaces at its ends; `nil`: the input has ended.
    static func line(_ question: String, isSecret: Bool = false) -> String? {
        Console.write("\(question): ")
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
        guard let text = readLine() else { return nil }
        if isSecret { return text }
        return String(text.drop { $0.isWhitespace }.reversed().drop { $0.isWhitespace }.reversed())
    }

    /// Yes or no.
    static func confirm(_ question: String, standard: Bool) -> Bool {
        guard let text = line("\(question) [\(standard ? "Y/n" : "y/N")]")?.lowercased() else { return false }
        return text.isEmpty ? standard : text == "y" || text == "yes"
    }
}
