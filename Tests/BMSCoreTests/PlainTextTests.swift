import Testing

@testable import BMSCore
@testable import SmartBMS

@Suite("Plain text")
struct PlainTextTests {
    @Test(
        "Controls, line ends and marks of text direction are not plain",
        arguments: [
            0x00...0x1F, 0x7F...0x9F, 0x061C...0x061C, 0x200E...0x200F, 0x2028...0x202E, 0x2066...0x206F,
        ] as [ClosedRange<UInt32>])
    func notPlain(_ range: ClosedRange<UInt32>) throws {
        for value in range {
            let scalar = try #require(Unicode.Scalar(value))
            #expect(!scalar.isPlain, "\(value)")
            #expect("a\(Character(scalar))b".plain == "ab")
        }
    }

    @Test(
        "Letters of all scripts and signs are plain",
        arguments: ["Höhle 20 °C", "מרתף", "قبو", "地下室 🔋", "a\u{200D}b", ""])
    func plain(_ text: String) {
        #expect(text.isPlain)
        #expect(text.plain == text)
    }

    @Test("A quotation mark is escaped where an accent follows it, too")
    func escaped() {
        let text = "a\"\u{301}b\\\u{301}'\u{301}"
        #expect(text.inDoubleQuotes.unicodeScalars.elementsEqual("\"a\\\"\u{301}b\\\\\u{301}'\u{301}\"".unicodeScalars))
        #expect(text.inShellQuotes.unicodeScalars.elementsEqual("'a\"\u{301}b\\\u{301}'\\''\u{301}'".unicodeScalars))
        let doubled = text.substituting { $0 == "'" ? "''" : nil }
        #expect(doubled.unicodeScalars.elementsEqual("a\"\u{301}b\\\u{301}''\u{301}".unicodeScalars))
        #expect("".inDoubleQuotes == "\"\"")
    }
}
