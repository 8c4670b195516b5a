// Text from outside, before it reaches a terminal, a log, a topic or a name.
extension Unicode.Scalar {
    /// The scalar stands for itself alone: it moves no cursor, ends no line and turns no text around. Not plain are C0 and C1 controls,
    /// DEL, the separators of lines and paragraphs, and the marks, embeddings, overrides and isolates of bidirectional text.
    package var isPlain: Bool {
        switch value {
        case ..<0x20, 0x7F...0x9F, 0x061C, 0x200E, 0x200F, 0x2028...0x202E, 0x2066...0x206F: false
        default: true
        }
    }
}

extension Character {
    /// Made of plain scalars alone.
    package var isPlain: Bool { unicodeScalars.allSatisfy(\.isPlain) }
}

extension StringProtocol {
    /// Made of plain scalars alone.
    package var isPlain: Bool { unicodeScalars.allSatisfy(\.isPlain) }

    /// Without what is not plain.
    package var plain: String { isPlain ? String(self) : String(filter(\.isPlain)) }
}
