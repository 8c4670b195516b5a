import BMSCore

/// Reads the payload of a command: a plain value ("80", "ON", "float"), or `{"value": ...}`.
///
/// Own code: a pure module has no Foundation, and its decoder takes duplicate keys. Nothing but one member `value` with a
/// number, a flag or a text is read; numbers are exact, with at most three decimals.
enum CommandPayload {
    /// Longer payloads are refused unread.
    static let longest = 256

    /// A value in neither a setting's nor a wire's words yet.
    enum Value: Hashable {
        case number(Int)
        case flag(Bool)
        case text(String)
    }

    /// Why a payload is none.
    struct Fault: Error, Hashable {
        var text: String
    }

    static func read(_ payload: [UInt8]) throws(Fault) -> Value {
        guard payload.count <= longest else {
            throw Fault(text: "the payload is longer than \(longest) bytes")
        }
        guard let text = String(validating: payload, as: UTF8.self) else {
            throw Fault(text: "the payload is no valid UTF-8")
        }
        let trimmed = text.trimmed
        guard !trimmed.isEmpty else { throw Fault(text: "the payload is empty") }
        guard trimmed.hasPrefix("{") else { return plain(trimmed) }
        var scanner = Scanner(bytes: Array(trimmed.utf8))
        guard let value = scanner.object() else {
            throw Fault(text: "expected a plain value, or JSON with one member: {\"value\": ...}")
        }
        return value
    }

    static func plain(_ text: String) -> Value {
        FixedPoint.thousandths(text).map { .number($0) } ?? .text(text)
    }

    /// The one form of JSON that is taken.
    private struct Scanner {
        let bytes: [UInt8]
        var place = 0

        mutating func object() -> Value? {
            guard take("{"), string() == "value", take(":"), let value = value(), take("}") else { return nil }
            skip()
            return place == bytes.count ? value : nil
        }

        private mutating func value() -> Value? {
            skip()
            guard place < bytes.count else { return nil }
            if bytes[place] == UInt8(ascii: "\"") { return string().map { .text($0) } }
            let start = place
            while place < bytes.count, !" \t\r\n,}".utf8.contains(bytes[place]) { place += 1 }
            let word = String(decoding: bytes[start..<place], as: UTF8.self)
            switch word {
            case "true": return .flag(true)
            case "false": return .flag(false)
            default: return FixedPoint.thousandths(word).map { .number($0) }
            }
        }

        /// Text without escapes: no setting needs one, but a quote or a backslash in a name is read.
        private mutating func string() -> String? {
            guard take("\"") else { return nil }
            var result: [UInt8] = []
            while place < bytes.count {
                let byte = bytes[place]
                place += 1
                if byte == UInt8(ascii: "\"") { return String(decoding: result, as: UTF8.self) }
                if byte == UInt8(ascii: "\\") {
                    guard place < bytes.count, "\"\\/".utf8.contains(bytes[place]) else { return nil }
                    result.append(bytes[place])
                    place += 1
                } else {
                    guard byte >= 0x20 else { return nil }
                    result.append(byte)
                }
            }
            return nil
        }

        private mutating func take(_ character: Character) -> Bool {
            skip()
            guard place < bytes.count, bytes[place] == character.asciiValue else { return false }
            place += 1
            return true
        }

        private mutating func skip() {
            while place < bytes.count, " \t\r\n".utf8.contains(bytes[place]) { place += 1 }
        }
    }
}

extension String {
    /// Without white space at both ends.
    fileprivate var trimmed: String {
        // Most have none: only then does a character have to be looked up.
        let (first, last) = (utf8.first ?? 0, utf8.last ?? 0)
        if (0x21..<0x7F).contains(first), (0x21..<0x7F).contains(last) { return self }
        let start = drop { $0.isWhitespace }
        return String(start.reversed().drop { $0.isWhitespace }.reversed())
    }
}
