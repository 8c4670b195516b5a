/// The text of recordings: a line for each read, `<milliseconds since the start> <hexadecimal bytes>`; lines that begin with `#` are
/// comments. A line of hexadecimal bytes alone is a frame one second after the line before.
public enum RecordFormat {
    /// First line of a recording.
    public static let header = "# bms-mqtt record 1: <milliseconds> <hexadecimal bytes>"
    /// Greatest length of a line, in bytes with its hexadecimal digits; a longer line is not part of a recording.
    static let longestLine = 16_384

    /// The meaning of a line.
    enum Line: Hashable {
        case comment
        /// Milliseconds, where the line has them, and bytes.
        case bytes(Int64?, [UInt8])
        case fault
    }

    /// A read as a line.
    public static func line(milliseconds: Int64, _ bytes: [UInt8]) -> String {
        var text = "\(milliseconds) "
        for byte in bytes {
            text.append(digit(byte >> 4))
            text.append(digit(byte & 15))
        }
        return text + "\n"
    }

    static func parse(_ line: some Collection<UInt8>) -> Line {
        let parts = line.split { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") || $0 == UInt8(ascii: "\r") }
        guard let first = parts.first else { return .comment }
        if first.first == UInt8(ascii: "#") { return .comment }
        if parts.count == 1 { return bytes(first).map { .bytes(nil, $0) } ?? .fault }
        guard
            parts.count == 2, let time = Int64(String(decoding: first, as: UTF8.self)),
            (0...Int64(1) << 50).contains(time), let bytes = bytes(parts[1])
        else { return .fault }
        return .bytes(time, bytes)
    }

    private static func digit(_ value: UInt8) -> Character {
        Character(Unicode.Scalar(value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10))
    }

    private static func bytes(_ text: some Collection<UInt8>) -> [UInt8]? {
        guard text.count.isMultiple(of: 2) else { return nil }
        var result: [UInt8] = []
        var high: UInt8?
        for character in text {
            guard let value = Character(Unicode.Scalar(character)).hexDigitValue else { return nil }
            if let first = high {
                result.append(first << 4 | UInt8(value))
                high = nil
            } else {
                high = UInt8(value)
            }
        }
        return result
    }
}
