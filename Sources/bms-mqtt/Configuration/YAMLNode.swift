import BMSCore

/// A value of a YAML file with its place, for messages that a person can follow.
struct YAMLNode: Sendable {
    /// Line and column, from 1.
    struct Place: Hashable, Sendable {
        var line: Int
        var column: Int
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

    /// Description of the content, for messages.
    var kind: String {
        switch content {
        case .scalar(let text, _): text.isEmpty ? "nothing" : "'\(text.prefix(40))'"
        case .sequence(let items): items.isEmpty ? "an empty list" : "a list of \(items.count)"
        case .mapping: "a group of keys"
        }
    }

    /// The value is missing: its key was written and left empty.
    var isEmpty: Bool {
        if case .scalar(let text, let isPlain) = content { isPlain && ["", "~", "null"].contains(text) } else { false }
    }
}

/// A fault of a configuration, with its place.
struct ConfigurationFault: Error, Hashable, Sendable {
    var place: YAMLNode.Place
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
