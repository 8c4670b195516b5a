import BatteryEngine
import BMSCore
import JSON

/// Reads the payloads of commands. For one setting: a plain value (80, ON, float), the same as JSON ("ON", 8e1), or
/// `{"value": ...}`, whose other members are ignored. For several settings: a JSON object with a member for each.
enum CommandPayload {
    /// Longer payloads are refused unread, bytes.
    static let longest = 256
    /// The same for an object of several settings.
    static let longestObject = 4_096
    /// Largest number of settings in an object: as many commands as are taken at once.
    static let mostSettings = 20

    /// Reason why a payload is no value.
    struct Fault: Error, Hashable {
        var text: String
    }

    /// The command of a payload for a setting.
    static func command(_ setting: String, _ payload: [UInt8], isRetained: Bool) -> BatteryCommand {
        let content: BatteryCommand.Content
        do throws(Fault) {
            content = payload.isEmpty ? .nothing : .value(try read(payload))
        } catch {
            content = .unreadable(error.text)
        }
        return BatteryCommand(
            setting: setting, content: content, asked: shown(payload), isRetained: isRetained)
    }

    /// The part of a payload that an answer repeats: 64 characters, and not a part of one; `nil`: it is no text.
    private static func shown(_ payload: [UInt8]) -> String? {
        String(validating: payload.prefix(longestObject), as: UTF8.self).map { String($0.prefix(64)) }
    }

    /// The commands of an object with several settings, by their names; one command that cannot be read, without a name, where
    /// the payload is no such object. An empty payload commands nothing.
    static func commands(_ payload: [UInt8], isRetained: Bool) -> [BatteryCommand] {
        guard !payload.isEmpty else { return [] }
        guard
            payload.count <= longestObject,
            case .object(let members)? = JSONValue(parsing: payload, takesDuplicates: false),
            (1...mostSettings).contains(members.count)
        else {
            let text =
                "expected a JSON object of 1 to \(mostSettings) settings with their values, as in {\"maxChargeCurrent\": 40, "
                + "\"chargeMode\": \"auto\"}, of at most \(longestObject) bytes"
            return [BatteryCommand(setting: "", content: .unreadable(text), isRetained: isRetained)]
        }
        // A retained object is refused once, as a whole.
        guard !isRetained else { return [BatteryCommand(setting: "", content: .unreadable(""), isRetained: true)] }
        return members.sorted { $0.key < $1.key }.map { name, json in
            let value = CommandValue(json)
            return BatteryCommand(
                setting: name, content: value.map { .value($0) } ?? .unreadable(noValue), asked: value?.asked,
                isRetained: isRetained)
        }
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
        guard let first = trimmed.first else { throw Fault(text: "the payload is empty") }
        let json = JSONValue(parsing: Array(trimmed.utf8), takesDuplicates: false)
        switch (first, json) {
        case ("{", .object(let members)?):
            guard let value = members["value"].flatMap(CommandValue.init) else { throw Fault(text: noValue) }
            return value
        case ("{", _): throw Fault(text: noValue)
        // Only what no person would write otherwise: a name may well be a word of JSON.
        case ("\"", .text(let text)?): return .text(text)
        default: return plain(trimmed, json)
        }
    }

    private static let noValue =
        "expected a number with at most three decimals, a word or a text, alone or as JSON: {\"value\": ...}"

    /// A plain value: a number, which JSON may write with an exponent, else text.
    private static func plain(_ text: String, _ json: JSONValue?) -> CommandValue {
        if let thousandths = FixedPoint.thousandths(text) { return .number(thousandths) }
        if case .number? = json, let value = json.flatMap(CommandValue.init) { return value }
        return .text(text)
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

extension CommandValue {
    /// The value as a person would write it, 64 characters at most.
    fileprivate var asked: String {
        switch self {
        case .number(let thousandths): SettingValue.number(thousandths).shown
        case .flag(let flag): flag ? "true" : "false"
        case .text(let text): String(text.prefix(64))
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
