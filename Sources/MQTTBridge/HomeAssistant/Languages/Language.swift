import BMSCore

/// Language of the names and words that Home Assistant shows. It translates states and units of known classes itself, but nothing else of
/// entities that come by MQTT.
public enum Language: String, Sendable, CaseIterable {
    /// English, as the tables have it.
    case en
    /// German.
    case de
    /// Dutch.
    case nl
    /// French.
    case fr

    /// A name in this language; {n} stands for the subject.
    func name(_ english: String, _ subject: String?) -> String {
        let name = words[english] ?? english
        return subject.map { name.replacing("{n}", with: $0) } ?? name
    }

    /// A template's expression that turns a value of a document into the word for it; `none` for a value that is none of them.
    func lookup(_ states: [EntityRow.EnumState], _ value: String) -> String {
        let pairs = states.map { (value: $0.value, word: name($0.word, nil)) }
        guard pairs.contains(where: { $0.value != $0.word }) else { return value }
        let map = pairs.map { "\(Self.quoted($0.value)): \(Self.quoted($0.word))" }
        // Behind a colon stands the pack that a bank's rule is about.
        return "{\(map.joined(separator: ", "))}.get(((\(value)) or '').split(':')[0])"
    }

    /// A text in a template.
    private static func quoted(_ text: String) -> String { "'\(text.substituting { $0 == "'" ? "\\'" : nil })'" }

    /// Words of this language by the English ones.
    package var words: [String: String] {
        switch self {
        case .en: [:]
        case .de: Self.german
        case .nl: Self.dutch
        case .fr: Self.french
        }
    }
}
