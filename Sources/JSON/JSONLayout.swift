/// Layout of JSON for people.
package enum JSONLayout {
    /// Longest list or object that stays in one line, bytes.
    private static let longest = 110

    /// A document of ``JSONWriter`` with line breaks and indentation. A short list or object without others in it stays in one line.
    package static func indented(_ bytes: [UInt8]) -> String {
        var result: [UInt8] = []
        var depth = 0
        var position = 0
        func line() { result += [UInt8(ascii: "\n")] + [UInt8](repeating: UInt8(ascii: " "), count: 2 * depth) }
        while position < bytes.count {
            let end = tokenEnd(bytes, position)
            let token = bytes[position..<end]
            position = end
            switch token.first {
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                if let close = flatEnd(bytes, position) {
                    result += token
                    while position < close {
                        let end = tokenEnd(bytes, position)
                        result += bytes[position..<end]
                        if [UInt8(ascii: ","), UInt8(ascii: ":")].contains(bytes[position]) {
                            result.append(UInt8(ascii: " "))
                        }
                        position = end
                    }
                } else {
                    result += token
                    depth += 1
                    line()
                }
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                depth -= 1
                line()
                result += token
            case UInt8(ascii: ","):
                result += token
                line()
            case UInt8(ascii: ":"): result += token + [UInt8(ascii: " ")]
            default: result += token
            }
        }
        return String(decoding: result, as: UTF8.self) + "\n"
    }

    /// The end of a short list or object that has no other in it, behind its closing bracket; `nil`: it is longer, or has.
    private static func flatEnd(_ bytes: [UInt8], _ start: Int) -> Int? {
        var position = start
        while position < min(bytes.count, start + longest) {
            switch bytes[position] {
            case UInt8(ascii: "{"), UInt8(ascii: "["): return nil
            case UInt8(ascii: "}"), UInt8(ascii: "]"): return position + 1
            default: position = tokenEnd(bytes, position)
            }
        }
        return nil
    }

    /// The end of a text, of a sign, or of a number or word.
    private static func tokenEnd(_ bytes: [UInt8], _ start: Int) -> Int {
        let signs = Array("{}[],:\"".utf8)
        var position = start + 1
        if bytes[start] == UInt8(ascii: "\"") {
            while position < bytes.count, bytes[position] != UInt8(ascii: "\"") {
                position += bytes[position] == UInt8(ascii: "\\") ? 2 : 1
            }
            return min(position + 1, bytes.count)
        }
        guard !signs.contains(bytes[start]) else { return position }
        while position < bytes.count, !signs.contains(bytes[position]) { position += 1 }
        return position
    }
}
