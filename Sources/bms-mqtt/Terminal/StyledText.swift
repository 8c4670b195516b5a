import BMSCore

/// Text for a terminal whose styles are marks until ``clip(_:_:_:)`` turns them into escape sequences: text of a document can at most
/// become bold, and cannot move the cursor.
enum StyledText {
    private static let sequences: [Character: String] = [
        "\u{1}": "\u{1B}[1m", "\u{2}": "\u{1B}[31;1m", "\u{3}": "\u{1B}[0m",
    ]

    static func bold(_ text: String) -> String { "\u{1}\(text)\u{3}" }
    static func warning(_ text: String) -> String { "\u{2}\(text)\u{3}" }

    /// Cuts a line to a width; styles take no column, and are left out without colour.
    static func clip(_ line: String, _ columns: Int, hasColour: Bool) -> String {
        var result = ""
        var width = 0
        for character in line {
            if let style = sequences[character] {
                if hasColour { result += style }
            } else if character.isPlain, width < columns {
                result.append(character)
                width += 1
            }
        }
        return result
    }

    /// Breaks a text between words into lines of at most `width` characters. A word that is longer is broken, too: nothing is lost.
    static func wrap(_ text: String, _ width: Int) -> [String] {
        let width = max(4, width)
        var lines: [String] = []
        var line = ""
        for word in text.split(separator: " ") {
            var rest = word
            while line.isEmpty ? rest.count > width : line.count + 1 + rest.count > width {
                if line.isEmpty {
                    lines.append(String(rest.prefix(width)))
                    rest = rest.dropFirst(width)
                } else {
                    lines.append(line)
                    line = ""
                }
            }
            line += (line.isEmpty ? "" : " ") + rest
        }
        if !line.isEmpty || lines.isEmpty { lines.append(line) }
        return lines
    }

    /// A text behind a label, broken into lines that begin below its first.
    static func labelled(_ label: String, _ width: Int, _ text: String, _ columns: Int, most: Int = .max) -> [String] {
        let lines = wrap(text, columns - width).prefix(most)
        return lines.enumerated().map { $0 == 0 ? label + $1 : String(repeating: " ", count: width) + $1 }
    }
}
