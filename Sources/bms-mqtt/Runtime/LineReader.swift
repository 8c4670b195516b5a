import LinuxIO

/// Reads the lines of a descriptor. A line that is too long is returned once, cut, so that it can be reported.
struct LineReader {
    struct Line {
        /// Number of the line, from 1.
        var number: Int
        /// Content without the line break.
        var bytes: [UInt8]
        /// The line was longer than the maximum, and its rest is lost.
        var isCut: Bool
    }

    private let descriptor: Int32
    private let maximum: Int
    private var buffer: [UInt8] = []
    private var position = 0
    private var number = 0
    private var isAtEnd = false
    /// Reason why reading failed; `nil`: it did not fail.
    private(set) var failure: String?

    init(descriptor: Int32, maximum: Int = 1 << 20) {
        self.descriptor = descriptor
        self.maximum = maximum
    }

    /// The next line; `nil` at the end, and after a failure.
    mutating func next() -> Line? {
        var line: [UInt8] = []
        var isCut = false
        while true {
            if position == buffer.count {
                guard fill() else {
                    guard !line.isEmpty else { return nil }
                    number += 1
                    return Line(number: number, bytes: line, isCut: isCut)
                }
            }
            let end = buffer[position...].firstIndex(of: UInt8(ascii: "\n")) ?? buffer.endIndex
            let room = maximum - line.count
            if end - position > room { isCut = true }
            line.append(contentsOf: buffer[position..<min(end, position + room)])
            position = end
            if end < buffer.endIndex {
                position += 1
                number += 1
                if line.last == UInt8(ascii: "\r") { line.removeLast() }
                return Line(number: number, bytes: line, isCut: isCut)
            }
        }
    }

    private mutating func fill() -> Bool {
        guard !isAtEnd else { return false }
        var chunk: [UInt8]?
        do {
            chunk = try ChunkReader.read(descriptor)
        } catch {
            failure = error.reason
        }
        isAtEnd = chunk == nil
        buffer = chunk ?? []
        position = 0
        return !buffer.isEmpty
    }
}

/// Hexadecimal text.
enum Hex {
    /// Bytes of an even number of digits; spaces and tabs are skipped, other characters make the result `nil`.
    static func bytes(_ text: some Sequence<UInt8>) -> [UInt8]? {
        var bytes: [UInt8] = []
        var high: UInt8?
        for character in text {
            if character == UInt8(ascii: " ") || character == UInt8(ascii: "\t") { continue }
            guard let digit = digit(character) else { return nil }
            if let first = high {
                bytes.append(first << 4 | digit)
                high = nil
            } else {
                high = digit
            }
        }
        return high == nil ? bytes : nil
    }

    private static func digit(_ character: UInt8) -> UInt8? {
        switch character {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): character - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): character - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): character - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
