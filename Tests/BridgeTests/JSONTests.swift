import JSON
import Testing

@Suite("JSON that others wrote")
struct JSONTests {
    @Test(
        "JSON that the RFC allows is read",
        arguments: [
            ("null", .null), (" true\r\n", .flag(true)), ("false", .flag(false)), ("0", .number(0)), ("-0", .number(0)),
            ("-12.50e+1", .number(-125)), ("1E3", .number(1000)), ("2e-2", .number(0.02)), (#""""#, .text("")),
            (#""a\"\\\/\b\f\n\r\t\u00e9é🔋""#, .text("a\"\\/\u{8}\u{C}\n\r\téé🔋")),
            (#""\ud83d\ude00""#, .text("\u{1F600}")), (#""\u0000""#, .text("\u{0}")), ("[]", .array([])),
            ("{}", .object([:])),
            ("[1, [2] ,{}]", .array([.number(1), .array([.number(2)]), .object([:])])),
            (
                #"{"a":1,"b":{"c":[true,null]},"a":2}"#,
                .object(["a": .number(2), "b": .object(["c": .array([.flag(true), .null])])])
            ),
        ] as [(String, JSONValue)])
    func accepted(text: String, value: JSONValue) { #expect(JSONValue(parsing: Array(text.utf8)) == value) }

    @Test(
        "everything else is refused",
        arguments: [
            "", " ", "nul", "nulll", "True", "01", "-", "+1", ".5", "1.", "1e", "1e+", "0x1", "NaN", "Infinity",
            "1e999",
            "1 2", "[", "]", "[1,]", "[,1]", "[1 2]", "{", "}", "{1:2}", #"{"a"}"#, #"{"a":}"#, #"{"a":1,}"#, #"{a:1}"#,
            "'a'", #"""#, #""a"#, "\"\n\"", #""\x""#, #""\u12""#, #""\u12g4""#, #""\ud800""#, #""\ud800\u0041""#,
            #""\udc00""#, "\u{FEFF}1", "// 1", "[1]x",
        ])
    func refused(text: String) { #expect(JSONValue(parsing: Array(text.utf8)) == nil) }

    @Test(
        "JSON with invalid UTF-8 is refused",
        arguments: [[0x22, 0xFF, 0x22], [0x22, 0xC3, 0x22], [0xFF, 0xFE]] as [[UInt8]])
    func encoding(bytes: [UInt8]) { #expect(JSONValue(parsing: bytes) == nil) }

    @Test("nesting is bounded")
    func depth() {
        func nested(_ depth: Int) -> [UInt8] {
            Array((String(repeating: "[", count: depth) + String(repeating: "]", count: depth)).utf8)
        }
        #expect(JSONValue(parsing: nested(100)) != nil)
        #expect(JSONValue(parsing: nested(102)) == nil)
        #expect(JSONValue(parsing: Array(repeating: UInt8(ascii: "["), count: 1_000_000)) == nil)
    }
}
