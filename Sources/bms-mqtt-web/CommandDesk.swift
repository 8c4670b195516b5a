import BMSCore
import BatteryEngine
import HTTPServer
import JSON
import LinuxIO
import MQTT
import MQTTBridge
import Mosquitto
import Viewer

/// Gives commands of the page to the bridge over MQTT, and its answers to the page. The bridge decides; the desk refuses only what could
/// not be right: a command for a battery that says nothing now, or for a setting that it does not have.
final class CommandDesk: Sendable {
    private struct Pending {
        let topic: String
        /// Begin of the command, which the bridge repeats in its answer.
        let mark: String
        let answer: LaterAnswer
        let end: Timestamp
    }

    /// Seconds in which the bridge has to answer. A command that arrives later is not obeyed (MQTT 5).
    static let patience = 5
    /// Commands on their way.
    static let most = 32
    /// Bytes of an answer: a sentence, and little else.
    static let longestAnswer = 4_096

    private let base: String
    private let publish: @Sendable (MQTTMessage) -> PublishOutcome
    private let secret: @Sendable () -> String
    private let pending = Lock<[Pending]>([])

    /// - Parameter secret: gives each command its mark, by which its answer is known.
    init(
        base: String, secret: @escaping @Sendable () -> String = PageAccess.randomText,
        publish: @escaping @Sendable (MQTTMessage) -> PublishOutcome
    ) {
        (self.base, self.secret, self.publish) = (base, secret, publish)
    }

    /// Filter of the topics of answers.
    var subscription: Subscription { Subscription("\(base)/+/result", qos: 1) }

    /// Sends a command.
    ///
    /// - Parameters:
    ///   - body: `{"setting": ..., "value": ...}`.
    ///   - standing: what is known of the battery.
    func send(_ battery: String, _ body: [UInt8], _ standing: WebState.Standing, at now: Timestamp) -> HTTPAnswer {
        guard case .object(let members)? = JSONValue(parsing: body, takesDuplicates: false),
            let setting = members["setting"]?.text, let value = members["value"],
            let (mark, command) = payload(value)
        else {
            return .error(400, #"expected {"setting": "maxChargeCurrent", "value": 40}"#)
        }
        if let fault = standing.fault { return .error(409, "no command is sent: \(fault)") }
        guard standing.takes(setting) else {
            return .error(404, "'\(setting.prefix(64))' is no setting of this battery")
        }
        let owed = LaterAnswer(
            within: Double(Self.patience),
            otherwise: .error(
                504,
                "no answer from the bridge in \(Self.patience) s; the command may still take effect. If this happens every time, check the broker's access rules for this user"
            ))
        let one = Pending(
            topic: "\(base)/\(battery)/result", mark: mark, answer: owed,
            end: Timestamp(milliseconds: now.milliseconds + Int64(Self.patience) * 1000))
        let isTaken = pending.withLock { pending in
            pending.removeAll { $0.end <= now }
            guard pending.count < Self.most else { return false }
            pending.append(one)
            return true
        }
        guard isTaken else { return .error(429, "too many commands wait for an answer") }
        let message = MQTTMessage("\(base)/\(battery)/set/\(setting)", command, qos: 1, expiry: Self.patience)
        guard publish(message) == .queued else {
            pending.withLock { $0.removeAll { $0.mark == mark } }
            return .error(503, "there is no connection to the MQTT broker")
        }
        return .later(owed)
    }

    /// Takes an answer of the bridge; another client's is nobody's here.
    func take(_ message: MQTTMessage) {
        guard !message.retain, message.topic.hasSuffix("/result"), message.payload.count <= Self.longestAnswer,
            let asked = JSONValue(parsing: message.payload)?["value"]?.text
        else { return }
        let found = pending.withLock { pending in
            let place = pending.firstIndex { $0.topic == message.topic && asked.hasPrefix($0.mark) }
            return place.map { pending.remove(at: $0) }
        }
        found?.answer.give(.json(message.payload))
    }

    /// The payload of a command, and its mark; `nil`: no setting has such a value.
    private func payload(_ value: JSONValue) -> (mark: String, bytes: [UInt8])? {
        var writer = JSONWriter(reserving: 128)
        writer.beginObject()
        writer.member("id", String(secret().prefix(16)))
        let mark = String(decoding: writer.bytes, as: UTF8.self)
        switch value {
        case .number(let number):
            writer.key("value")
            if let whole = Int(exactly: number) { writer.value(whole) } else { writer.value(number) }
        case .text(let text) where text.utf8.count <= 128: writer.member("value", text)
        case .flag(let flag): writer.member("value", flag)
        case .null, .text, .array, .object: return nil
        }
        writer.endObject()
        return (mark, writer.bytes)
    }
}

extension WebState {
    /// The state of a battery as a command needs it.
    struct Standing {
        /// Why nothing of the battery is valid now; `nil`: it is live.
        var fault: String?
        /// Names of its settings.
        var settings: Set<String>

        /// A name, or "relay/" and a name: what the broker says must not lead commands to other topics.
        private static func isLevels(_ setting: String) -> Bool {
            let levels = setting.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
            guard setting.utf8.count <= 64, levels.count == 1 || levels.count == 2 && setting.hasPrefix("relay/") else {
                return false
            }
            return levels.allSatisfy { level in
                !level.isEmpty
                    && level.allSatisfy { byte in
                        (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
                            || byte == UInt8(ascii: "_") || byte == UInt8(ascii: "-")
                    }
            }
        }

        func takes(_ setting: String) -> Bool {
            let isButton = SettingsTable.rows.contains { row in
                if case .button = row.kind { row.name == setting } else { false }
            }
            return isButton || settings.contains(setting) && Self.isLevels(setting)
        }
    }
}
