// Text from outside, before it reaches a terminal, a log, a topic or a name.
extension Unicode.Scalar {
    /// True for a scalar that moves no cursor, ends no line and turns no text around. Scalars that are not plain: C0 and C1 controls, DEL,
    /// the separators of lines and paragraphs, and the marks, embeddings, overrides and isolates of bidirectional text.
    package var isPlain: Bool {
        switch value {
        case ..<0x20, 0x7F...0x9F, 0x061C, 0x200E, 0x200F, 0x2028...0x202E, 0x2066...0x206F: false
        default: true
        }
    }
}

extension Character {
    /// True when all scalars are plain.
    package var isPlain: Bool { unicodeScalars.allSatisfy(\.isPlain) }
}

extension StringProtocol {
    /// True when all scalars are plain.
    package var isPlain: Bool { unicodeScalars.allSatisfy(\.isPlain) }

    /// The text without the characters that are not plain.
    package var plain: String { isPlain ? String(self) : String(filter(\.isPlain)) }

    /// The text with some scalars replaced, for the languages that want characters escaped. It looks at scalars, because a `Character` may be
    /// a quotation mark with an accent on it, which ends a text all the same.
    ///
    /// - Parameter substitute: what stands for a scalar; `nil`: the scalar itself.
    package func substituting(_ substitute: (Unicode.Scalar) -> String?) -> String {
        unicodeScalars.reduce(into: "") { $0 += substitute($1) ?? String($1) }
    }

    /// The text in single quotes as a word of a POSIX shell, of zsh and of fish.
    package var inShellQuotes: String { "'" + substituting { $0 == "'" ? "'\\''" : nil } + "'" }

    /// The text in double quotes as YAML and NATS read it.
    package var inDoubleQuotes: String { "\"" + substituting { $0 == "\\" || $0 == "\"" ? "\\\($0)" : nil } + "\"" }
}
