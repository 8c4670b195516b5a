import HTTPServer
import JSON
import MQTTBridge

/// The files of the page, which are in the program.
enum PageFiles {
    /// The file of a path; `nil`: there is none.
    static func file(_ path: String) -> HTTPAnswer? {
        switch path {
        case "", "index.html": answer("text/html; charset=utf-8", PackageResources.index_html)
        case "app.js": answer("text/javascript; charset=utf-8", PackageResources.app_js)
        case "style.css": answer("text/css; charset=utf-8", PackageResources.style_css)
        case "icon.svg": answer("image/svg+xml", PackageResources.icon_svg)
        default: nil
        }
    }

    private static func answer(_ type: String, _ bytes: [UInt8]) -> HTTPAnswer {
        var answer = HTTPAnswer(type: type, .bytes(bytes))
        // A new version of the program has new files under the same names.
        answer.cache = "no-cache"
        return answer
    }
}

/// The words of the page: those of the language tables, and those that only the page has.
enum PageWords {
    private static let own: [String: [String: String]] = {
        guard case .object(let languages)? = JSONValue(parsing: PackageResources.words_json) else { return [:] }
        return languages.mapValues { words in
            guard case .object(let words) = words else { return [:] }
            return words.compactMapValues(\.text)
        }
    }()

    /// The words of a language; those of English where it is not known.
    static func json(_ name: String) -> [UInt8] {
        let language = Language(rawValue: name) ?? .en
        var words = own["en"] ?? [:]
        words.merge(language.words) { $1 }
        words.merge(own[language.rawValue] ?? [:]) { $1 }
        var writer = JSONWriter(reserving: 32_768)
        writer.beginObject()
        writer.member("language", language.rawValue)
        writer.key("words")
        writer.beginObject()
        for (english, word) in words.sorted(by: { $0.key < $1.key }) { writer.member(english, word) }
        writer.endObject()
        writer.endObject()
        return writer.bytes
    }
}
