import MQTT
import Glibc
public import MQTTBridge
import TestSupport

/// Everything that a bridge sent, in order, as lines of text: the time in seconds, the topic, the flags and the payload.
///
/// Short payloads are kept whole, longer ones as length and digest, and a day as one digest for each ten minutes. Where a digest
/// differs, the whole recordings of two commits show the difference: `GOLDEN=text` writes them into `.build/golden`.
public struct MessageRecording: Sendable {
    /// The part of the messages that the golden file keeps.
    public enum Detail: Sendable {
        /// A line for each message.
        case messages
        /// A line for all messages of each stretch of time.
        case stretches(seconds: Int64)
    }

    /// Largest payload that a golden file shows, bytes.
    private static let longestShown = 300

    private let name: String
    private let detail: Detail
    private let start: Int64
    private let keepsText: Bool
    private let isWriting: Bool
    private var kept: [String] = []
    private var text: [String] = []
    private var stretch: (number: Int64, messages: Int, digest: Digest)?

    /// A recording without messages.
    ///
    /// - Parameters:
    ///   - name: name of the golden file, without its ending.
    ///   - start: the moment that counts as 0, ms.
    public init(_ name: String, _ detail: Detail = .messages, start: Int64) {
        (self.name, self.detail, self.start) = (name, detail, start)
        let mode = getenv("GOLDEN").map { String(cString: $0) }
        (keepsText, isWriting) = (mode == "text", mode == "write")
    }

    /// Adds the messages of a step. The answers follow them, because they go out when the change is on the disk.
    public mutating func add(_ outbox: Outbox, at milliseconds: Int64) {
        for message in outbox.messages + outbox.answers.flatMap({ $0.messages(failure: nil) }) {
            add(message, at: milliseconds - start)
        }
    }

    private mutating func add(_ message: MQTTMessage, at milliseconds: Int64) {
        var head = "\(milliseconds / 1000).\(milliseconds / 100 % 10) \(message.topic) qos=\(message.qos)"
        if message.retain { head += " retain" }
        if let expiry = message.expiry { head += " expiry=\(expiry)" }
        if let data = message.correlationData {
            head += " correlation=\(data.map(String.init).joined(separator: "."))"
        }
        let payload = message.payload
        if keepsText { text.append("\(head) \(String(decoding: payload, as: UTF8.self))") }
        switch detail {
        case .messages where payload.count <= Self.longestShown:
            kept.append("\(head) \(String(decoding: payload, as: UTF8.self))")
        case .messages: kept.append("\(head) \(payload.count) bytes, digest \(Digest(payload))")
        case .stretches(let seconds):
            let number = milliseconds / 1000 / seconds
            if stretch?.number != number {
                endStretch()
                stretch = (number, 0, Digest([]))
            }
            stretch?.messages += 1
            stretch?.digest.add(Array(head.utf8))
            stretch?.digest.add(payload)
        }
    }

    private mutating func endStretch() {
        if let stretch { kept.append("\(stretch.number): \(stretch.messages) messages, digest \(stretch.digest)") }
        stretch = nil
    }

    /// Compares the recording with the golden file of its name, or writes the file if `GOLDEN` says so.
    ///
    /// - Returns: a sentence with the first difference; `nil`: there is none.
    public mutating func difference() -> String? {
        endStretch()
        if keepsText { Repository.write(text, to: ".build/golden/\(name).txt") }
        let file = "Tests/Golden/messages/\(name).txt"
        if isWriting { Repository.write(kept, to: file) }
        let golden = Repository.lines(file)
        guard let place = zip(golden, kept).enumerated().first(where: { $0.element.0 != $0.element.1 }) else {
            return golden.count == kept.count
                ? nil : "\(file) has \(golden.count) lines, and now there are \(kept.count)"
        }
        return """
            \(file), line \(place.offset + 1) differs (GOLDEN=text writes whole recordings into .build/golden)
            golden: \(place.element.0.prefix(2_000))
            now:    \(place.element.1.prefix(2_000))
            """
    }
}

/// FNV-1a of 64 bits, which is equal on every machine, and enough to notice an accidental change.
private struct Digest: CustomStringConvertible {
    private var value: UInt64 = 0xcbf2_9ce4_8422_2325

    init(_ bytes: [UInt8]) { add(bytes) }

    mutating func add(_ bytes: [UInt8]) {
        for byte in bytes { value = (value ^ UInt64(byte)) &* 0x100_0000_01b3 }
    }

    var description: String { String(value, radix: 16) }
}
