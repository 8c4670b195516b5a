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
