/// The lines of a YAML file as they were typed, for faults that YAML cannot name.
struct YAMLLines {
    private let bytes: [UInt8]
    /// Place of the first byte of each line.
    private let starts: [Int]

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
        starts = [0] + bytes.indices.filter { bytes[$0] == UInt8(ascii: "\n") }.map { $0 + 1 }
    }

    /// Returns `true` if nothing but spaces and a comment follow in the line.
    func hasComment(at place: YAMLNode.Place) -> Bool {
        let rest = line(place.line).unicodeScalars.dropFirst(place.column - 1).drop { $0 == " " || $0 == "\t" }
        return rest.first == "#"
    }

    /// The likely fault of a line at which YAML ends, or of the line before it: libyaml often notices a fault one line late.
    func hint(_ number: Int, isBefore: Bool) -> String? {
        let text = line(number)
        let indentation = text.prefix { $0 == " " || $0 == "\t" }
        if indentation.contains("\t") { return "this line is indented with a tab: YAML takes spaces only" }
        let whole = text.dropFirst(indentation.count)
        let content = whole.hasPrefix("#") ? "" : whole[..<(whole.firstRange(of: " #")?.lowerBound ?? whole.endIndex)]
        // A dash or quotes in a valid name of the line before are no fault, a space that is none always is.
        if let hint = PastedCharacter.hint(isBefore ? content.filter { $0.isWhitespace } : String(content)) {
            return "not valid YAML\(hint)"
        }
        guard let colon = content.firstRange(of: ": ") else { return nil }
        let value = content[colon.upperBound...].drop { $0 == " " }
        if !isBefore, let first = value.first, "@`%&*!|>".contains(first) {
            return "not valid YAML: a text that begins with \(first) needs quotes"
        }
        return value.contains(": ") && !"\"'[{".contains(value.first ?? " ")
            ? "not valid YAML: a text with ': ' in it needs quotes" : nil
    }

    /// A line, counted from 1, without its end.
    private func line(_ number: Int) -> String {
        guard starts.indices.contains(number - 1) else { return "" }
        let rest = bytes[starts[number - 1]...]
        let text = String(decoding: rest.prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
        return text.hasSuffix("\r") ? String(text.dropLast()) : text
    }
}
