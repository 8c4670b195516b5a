import BatteryEngine
import BMSCore
import JSON

/// Reads the payload of a command: a plain value ("80", "ON", "float"), or `{"value": ...}`.
///
/// An object may have one member alone, `value`, with a number of at most three decimals, a flag or a text.
enum CommandPayload {
    /// Longer payloads are refused unread.
    static let longest = 256

    /// Reason why a payload is no value.
    struct Fault: Error, Hashable {
        var text: String
    }

    /// The command of a payload for a setting.
    static func command(_ setting: String, _ payload: [UInt8], isRetained: Bool) -> BatteryCommand {
        let content: BatteryCommand.Content
        do throws(Fault) {
            content = .value(try read(payload))
        } catch {
            content = .unreadable(error.text)
        }
        return BatteryCommand(
            setting: setting, content: content, asked: String(validating: payload.prefix(64), as: UTF8.self),
            isRetained: isRetained)
    }

    /// Reads a payload.
    ///
    /// - Throws: a sentence about a payload that is no value.
    static func read(_ payload: [UInt8]) throws(Fault) -> CommandValue {
        guard payload.count <= longest else {
            throw Fault(text: "the payload is longer than \(longest) bytes")
        }
        guard let text = String(validating: payload, as: UTF8.self) else {
            throw Fault(text: "the payload is no valid UTF-8")
        }
        let trimmed = text.trimmed
        guard !trimmed.isEmpty else { throw Fault(text: "the payload is empty") }
        guard trimmed.hasPrefix("{") else { return plain(trimmed) }
        guard
            case .object(let members)? = JSONValue(parsing: Array(trimmed.utf8), takesDuplicates: false),
            members.count == 1, let value = members["value"].flatMap(CommandValue.init)
        else {
            throw Fault(text: "expected a plain value, or JSON with one member: {\"value\": ...}")
        }
        return value
    }

    /// A plain value: a number, else text.
    static func plain(_ text: String) -> CommandValue {
        FixedPoint.thousandths(text).map { .number($0) } ?? .text(text)
    }
}

extension CommandValue {
    /// A value of JSON; `nil` where no setting could have it: null, an array, an object, a number with more than three decimals.
    fileprivate init?(_ json: JSONValue) {
        switch json {
        case .flag(let flag): self = .flag(flag)
        case .text(let text): self = .text(text)
        case .number(let number):
            let thousandths = (number * 1000).rounded()
            guard thousandths.magnitude < 1e12, (number * 1000 - thousandths).magnitude < 1e-4 else { return nil }
            self = .number(Int(thousandths))
        case .null, .array, .object: return nil
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
