/// Language of the names that Home Assistant shows. It translates states and units of known classes itself, but no names of
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

    private var words: [String: String] {
        switch self {
        case .en: [:]
        case .de: Self.german
        case .nl: Self.dutch
        case .fr: Self.french
        }
    }
}
