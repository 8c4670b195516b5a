/// The grammar of RFC 8259, for checks of written JSON. Foundation's reader would take a hundred times as long under a sanitizer.
struct JSONGrammar {
    private let bytes: [UInt8]
    private var place = 0

    /// Returns `true` if bytes are one JSON value in valid UTF-8.
    static func isValid(_ bytes: [UInt8]) -> Bool {
        guard String(validating: bytes, as: UTF8.self) != nil else { return false }
        var grammar = JSONGrammar(bytes: bytes)
        return grammar.value(depth: 0) && grammar.place == bytes.count
    }

    private init(bytes: [UInt8]) { self.bytes = bytes }

    private var next: UInt8? { place < bytes.count ? bytes[place] : nil }

    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard next == UInt8(ascii: character) else { return false }
        place += 1
        return true
    }

    private mutating func value(depth: Int) -> Bool {
        guard depth < 32 else { return false }
        if take("{") { return members(depth) }
        if take("[") { return elements(depth) }
        if next == UInt8(ascii: "\"") { return string() }
        for word in ["null", "true", "false"] where bytes[place...].starts(with: word.utf8) {
            place += word.utf8.count
            return true
        }
        return number()
    }

    private mutating func members(_ depth: Int) -> Bool {
        var names: Set<[UInt8]> = []
        if take("}") { return true }
        repeat {
            let start = place
            guard string(), names.insert(Array(bytes[start..<place])).inserted, take(":"), value(depth: depth + 1)
            else {
                return false
            }
        } while take(",")
        return take("}")
    }

    private mutating func elements(_ depth: Int) -> Bool {
        if take("]") { return true }
        repeat {
            guard value(depth: depth + 1) else { return false }
        } while take(",")
        return take("]")
    }

    private mutating func string() -> Bool {
        guard take("\"") else { return false }
        while let byte = next {
            place += 1
            if byte == UInt8(ascii: "\"") { return true }
            if byte < 0x20 { return false }
            guard byte == UInt8(ascii: "\\") else { continue }
            guard let escape = next else { return false }
            place += 1
            if escape == UInt8(ascii: "u") {
                for _ in 0..<4 {
                    guard let digit = next, Character(Unicode.Scalar(digit)).isHexDigit else { return false }
                    place += 1
                }
            } else if !"\"\\/bfnrt".utf8.contains(escape) {
                return false
            }
        }
        return false
    }

    private mutating func number() -> Bool {
        _ = take("-")
        if !take("0") { guard digits() else { return false } }
        if take(".") { guard digits() else { return false } }
        if take("e") || take("E") {
            if !take("+") { _ = take("-") }
            return digits()
        }
        return true
    }

    private mutating func digits() -> Bool {
        let start = place
        while let byte = next, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) { place += 1 }
        return place > start
    }
}
