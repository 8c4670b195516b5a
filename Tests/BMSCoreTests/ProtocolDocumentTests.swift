import BMSCore
import TestSupport
import Testing

@Suite("docs/protocol.md")
struct ProtocolDocumentTests {
    private static let text = Repository.text("docs/protocol.md")

    @Test("The frame table is the layout table")
    func fields() {
        let rows = Self.text.split(separator: "\n").filter { $0.hasPrefix("| ") }
        for field in FrameLayout.fields {
            let unit = field.scale == 1 ? "\(field.unit)" : "\(field.scale) \(field.unit)"
            let row = "| \(field.offset) | \(field.length) | \(field.name) | \(unit) |"
            #expect(rows.contains { $0.hasPrefix(row) }, "\(row)")
        }
    }

    @Test("Every check stands there with its meaning and the key that loosens it", arguments: Rejection.allCases)
    func checks(rejection: Rejection) {
        let keys = rejection.configurationKey.map { keys in
            keys.split(separator: ", ").map { "`\($0)`" }.joined(separator: ", ")
        }
        #expect(Self.text.contains("| `\(rejection.rawValue)` | \(rejection.meaning) | \(keys ?? "none: ")"))
    }
}
