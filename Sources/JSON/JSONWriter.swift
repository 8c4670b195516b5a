import BMSCore

/// Writes JSON with a fixed order of keys and fixed decimals.
///
/// The writer is our own: JSONEncoder promises neither order nor decimals (3.301 becomes 3.3009999), and Foundation costs 5 MB.
package struct JSONWriter {
    package private(set) var bytes: [UInt8] = []
    private var needsComma = false

    package init(reserving capacity: Int = 1024) { bytes.reserveCapacity(capacity) }

    package mutating func beginObject() { open("{") }
    package mutating func endObject() { close("}") }
    package mutating func beginArray() { open("[") }
    package mutating func endArray() { close("]") }

    package mutating func key(_ name: String) {
        separate()
        quote(name)
        bytes.append(UInt8(ascii: ":"))
        needsComma = false
    }

    package mutating func null() {
        separate()
        append("null")
    }

    package mutating func value(_ number: Int) {
        separate()
        FixedPoint.append(number, to: &bytes)
    }

    /// A number in thousandths, with 0...3 decimals.
    package mutating func value(thousandths: Int, decimals: Int) {
        separate()
        FixedPoint.append(thousandths: thousandths, decimals: decimals, to: &bytes)
    }

    package mutating func value(_ text: String) {
        separate()
        quote(text)
    }

    /// A number of any size, in the shortest form that reads back without loss; `null` where it is not finite.
    package mutating func value(_ number: Double) {
        separate()
        append(number.isFinite ? "\(number)" : "null")
    }

    package mutating func value(_ flag: Bool) {
        separate()
        append(flag ? "true" : "false")
    }

    /// A member with a flag.
    package mutating func member(_ name: String, _ flag: Bool) {
        key(name)
        value(flag)
    }

    /// A member with a number of any size.
    package mutating func member(_ name: String, _ number: Double) {
        key(name)
        value(number)
    }

    /// A member with a list of texts.
    package mutating func member(_ name: String, _ texts: [String]) {
        key(name)
        beginArray()
        for text in texts { value(text) }
        endArray()
    }

    /// A member with text.
    package mutating func member(_ name: String, _ text: String) {
        key(name)
        value(text)
    }

    /// Appends names, colons and brackets that were written before. No comma separates them from the value that may follow.
    package mutating func verbatim(_ text: ArraySlice<UInt8>) {
        bytes.append(contentsOf: text)
        needsComma = false
    }

    /// Appends a whole value that was written before.
    package mutating func element(_ text: [UInt8]) {
        separate()
        bytes.append(contentsOf: text)
    }

    private mutating func separate() {
        if needsComma { bytes.append(UInt8(ascii: ",")) }
        needsComma = true
    }

    private mutating func open(_ bracket: Unicode.Scalar) {
        separate()
        bytes.append(UInt8(ascii: bracket))
        needsComma = false
    }

    private mutating func close(_ bracket: Unicode.Scalar) {
        bytes.append(UInt8(ascii: bracket))
        needsComma = true
    }

    private mutating func append(_ text: String) { bytes.append(contentsOf: text.utf8) }

    private mutating func quote(_ text: String) {
        bytes.append(UInt8(ascii: "\""))
        let isPlain = isPlain(text.utf8.span)
        if isPlain { append(text) } else { escape(text) }
        bytes.append(UInt8(ascii: "\""))
    }

    private func isPlain(_ text: Span<UInt8>) -> Bool {
        for index in text.indices {
            switch text[index] {
            case ..<0x20, 0x7F, UInt8(ascii: "\""), UInt8(ascii: "\\"): return false
            // C1 controls begin with C2 and a byte below A0; the controls of bidirectional text begin with D8 or E2.
            case 0xC2 where index + 1 < text.count && text[index + 1] < 0xA0: return false
            case 0xD8, 0xE2: return false
            default: break
            }
        }
        return true
    }

    private mutating func escape(_ text: String) {
        for scalar in text.unicodeScalars {
            if scalar == "\"" || scalar == "\\" {
                append("\\")
                bytes.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
            } else if scalar.isPlain {
                bytes.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
            } else {
                append("\\u")
                for shift in [12, 8, 4, 0] {
                    let digit = UInt8(truncatingIfNeeded: scalar.value >> UInt32(shift)) & 15
                    bytes.append(digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10)
                }
            }
        }
    }
}
