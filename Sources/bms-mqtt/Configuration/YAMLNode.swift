import BMSCore

/// A value of a YAML file with its place, for messages that a person can follow.
struct YAMLNode: Sendable {
    /// Line and column, from 1.
    struct Place: Hashable, Comparable, Sendable {
        var line: Int
        var column: Int

        static func < (left: Place, right: Place) -> Bool { (left.line, left.column) < (right.line, right.column) }
    }

    indirect enum Content: Sendable {
        /// Text; plain where it was written without quotes, so that it may be a number or a flag.
        case scalar(String, isPlain: Bool)
        case sequence([YAMLNode])
        /// Entries in the order of the file, with unique keys.
        case mapping([Entry])
    }

    struct Entry: Sendable {
        var key: String
        var place: Place
        var value: YAMLNode
    }

    var place: Place
    var content: Content
    /// Place behind a plain scalar, where a comment may begin that was meant as a part of it; `nil` for others.
    var end: Place?

    /// Description of the content, for messages.
    var kind: String {
        switch content {
        case .scalar(let text, _): text.isEmpty ? "nothing" : "'\(text.prefix(40))'"
        case .sequence(let items): items.isEmpty ? "an empty list" : "a list of \(items.count)"
        case .mapping: "a group of keys"
        }
    }

    /// The value has keys of its own.
    var isGroup: Bool { if case .mapping = content { true } else { false } }

    /// Description for a place where keys belong. Of a text that looks like a key and its value only the key is shown: the value may be
    /// a password.
    var kindWithoutValue: String {
        guard case .scalar(let text, isPlain: true) = content, let colon = text.firstIndex(of: ":") else { return kind }
        return "'\(text[...colon].prefix(40))...'"
    }

    /// Words for a text that looks like a key and its value, which YAML separates by a colon and a space.
    var colonHint: String {
        guard case .scalar(let text, isPlain: true) = content, let colon = text.firstIndex(of: ":"),
            !text[colon...].hasPrefix("://")
        else { return "" }
        return PastedCharacter.hint(text) ?? ": put a space behind the colon"
    }

    /// The value is missing: its key was written and left empty.
    var isEmpty: Bool {
        if case .scalar(let text, let isPlain) = content { isPlain && ["", "~", "null"].contains(text) } else { false }
    }
}

/// A fault of a configuration, with its place.
struct ConfigurationFault: Error, Hashable, Sendable {
    /// Place of the fault; `nil`: the fault is that of the whole file.
    var place: YAMLNode.Place?
    var text: String
}

extension String {
    /// The text without control characters, cut to 600 characters.
    var shortened: String {
        let most = 600
        let text = plain
        return text.count <= most ? text : text.prefix(most) + " ..."
    }
}
