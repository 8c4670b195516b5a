import BMSCore
import JSON

/// What a relay says of itself, against what it was told.
struct RelayReadBack: Hashable, Sendable {
    /// Longer payloads are refused unread.
    private static let longest = 4096

    /// Closed or open by its own word; `nil`: unknown.
    private(set) var isClosed: Bool?
    /// Payloads that were none of the two words.
    private(set) var faults = 0
    /// It disagrees for longer than its time-out.
    private(set) var isAlarm = false
    /// Since when it disagrees, or owes an answer.
    private var disagreesSince: Timestamp?
    /// A change was commanded since the connection stands: silence is an answer, too.
    private var owesAnswer = false
    private var hasComplained = false

    /// Takes a message of the state topic.
    ///
    /// - Returns: a sentence where it says nothing, the first time.
    mutating func take(_ payload: [UInt8], _ options: RelayOptions) -> String? {
        guard let word = Self.word(payload, options.stateKey) else {
            let place = options.stateKey.map { "\($0) in it" } ?? "text"
            return complain("a state on \(options.stateTopic ?? "") without \(place)")
        }
        let (closed, open) = options.stateWords
        guard word == closed || word == open else {
            return complain(
                "state '\(word.prefix(40))' on \(options.stateTopic ?? "") is neither '\(closed)' nor '\(open)'")
        }
        isClosed = word == closed
        owesAnswer = false
        hasComplained = false
        return nil
    }

    /// - Returns: the alarm came or went.
    mutating func step(_ commanded: Bool?, timeout: Int64, at now: Timestamp) -> Bool {
        let agrees = commanded == nil || (isClosed == nil ? !owesAnswer : isClosed == commanded)
        let before = isAlarm
        if agrees {
            disagreesSince = nil
            isAlarm = false
        } else {
            let since = disagreesSince ?? now
            disagreesSince = since
            if now - since > timeout { isAlarm = true }
        }
        return isAlarm != before
    }

    /// Another position was commanded: its time runs anew.
    mutating func commanded() {
        owesAnswer = true
        disagreesSince = nil
    }

    /// The connection is gone: nothing is known.
    mutating func forget() {
        isClosed = nil
        owesAnswer = false
        disagreesSince = nil
    }

    private mutating func complain(_ text: String) -> String? {
        faults += 1
        defer { hasComplained = true }
        return hasComplained ? nil : text
    }

    private static func word(_ payload: [UInt8], _ key: String?) -> String? {
        guard payload.count <= longest else { return nil }
        guard let key else {
            return String(validating: payload, as: UTF8.self).flatMap { $0.isEmpty ? nil : $0 }
        }
        switch JSONValue(parsing: payload)?[key] {
        case .text(let text): return text
        case .flag(let isOn): return isOn ? "true" : "false"
        case .number(let number): return Int(exactly: number).map { "\($0)" } ?? "\(number)"
        default: return nil
        }
    }
}
