import BatteryEngine
import JSON
import MQTT

extension RelayOptions {
    /// The command that closes or opens the relay.
    func command(isClosed: Bool) -> MQTTMessage {
        var message = MQTTMessage(commandTopic, Array((isClosed ? payloadClosed : payloadOpen).utf8), qos: qos)
        message.precedence = .first
        return message
    }
}

/// Reads messages on the topics of relays: states of their devices, and commands of others.
///
/// The bridge's own commands do not come back (MQTT 5), or are told from those of others by not being retained (3.1.1).
struct RelayInbox: Sendable {
    /// Longer states are refused unread.
    private static let longestState = 4096
    /// Longer commands are not read: no word that opens is as long.
    private static let longestCommand = 1024

    private struct Unit: Sendable {
        let pack: Int
        let options: RelayOptions
        /// A retained command was reported since the connection came up.
        var hasReportedRetained = false
    }

    private var units: [Unit]
    /// The bridge's own commands do not come back, so that every live message on a command topic is somebody else's.
    private var excludesOwn = false

    init(_ packs: [PackOptions]) {
        units = packs.enumerated().flatMap { pack, options in options.relays.map { Unit(pack: pack, options: $0) } }
    }

    /// Continues where the inbox of an earlier configuration stopped: a retained command is reported once.
    mutating func resume(from before: RelayInbox) {
        for index in units.indices {
            let options = units[index].options
            units[index].hasReportedRetained = before.units.contains { $0.options == options && $0.hasReportedRetained }
        }
    }

    /// Topics on which devices publish their states.
    var stateTopics: [String] { Set(units.compactMap(\.options.stateTopic)).sorted() }

    /// Topics of commands, by this bridge and perhaps by others.
    var commandTopics: [String] { Set(units.map(\.options.commandTopic)).sorted() }

    /// Handles a new connection.
    ///
    /// - Parameter excludesOwn: the bridge's own commands do not come back (MQTT 5).
    mutating func connected(excludesOwn: Bool) { self.excludesOwn = excludesOwn }

    /// Handles the end of the connection: a retained command is reported again on the next.
    mutating func disconnected() { for index in units.indices { units[index].hasReportedRetained = false } }

    /// Reads a message.
    ///
    /// - Returns: its meaning by the places of the packs that it concerns.
    mutating func read(_ topic: String, _ payload: [UInt8], isRetained: Bool) -> [(pack: Int, hearings: [RelayHearing])]
    {
        var found: [(pack: Int, hearings: [RelayHearing])] = []
        for index in units.indices {
            let options = units[index].options
            var hearing: RelayHearing?
            if options.commandTopic == topic {
                hearing = command(index, payload, isRetained: isRetained)
            } else if options.stateTopic == topic {
                hearing = RelayHearing(relay: options.name, word: Self.state(payload, options))
            }
            guard let hearing else { continue }
            if let last = found.indices.last, found[last].pack == units[index].pack {
                found[last].hearings.append(hearing)
            } else {
                found.append((units[index].pack, [hearing]))
            }
        }
        return found
    }

    /// A message on a command topic; `nil`: it is this bridge's own, or empty.
    ///
    /// Every word but the one that opens counts as one that may close: a device knows more words than the file, as Tasmota does `on`, `1`
    /// and `TOGGLE`, and Zigbee2MQTT JSON with other members. An empty one closes nothing.
    private mutating func command(_ index: Int, _ payload: [UInt8], isRetained: Bool) -> RelayHearing? {
        // Where own commands come back, only those that are retained are surely somebody else's.
        guard excludesOwn || isRetained, !payload.isEmpty else { return nil }
        let options = units[index].options
        let text = payload.count <= Self.longestCommand ? String(validating: payload, as: UTF8.self) : nil
        let word = text ?? "(\(payload.count) bytes)"
        let opens = text?.lowercased() == options.payloadOpen.lowercased()
        var hearing = RelayHearing(relay: options.name, word: opens ? nil : .closing(word))
        guard isRetained, !units[index].hasReportedRetained else { return hearing }
        units[index].hasReportedRetained = true
        let topic = options.commandTopic
        let effect =
            opens
            ? "opens relay \(options.name) each time its device connects, until the command is repeated"
            : "may close relay \(options.name) each time its device connects, whatever the BMS says"
        hearing.event = BatteryEvent(
            "relay", opens ? .info : .warning,
            "a retained '\(word.prefix(40))' on \(topic) \(effect): remove it with \"mosquitto_pub -t '\(topic)' -r -n\", "
                + "and have whoever sent it send without retain")
        return hearing
    }

    private static func state(_ payload: [UInt8], _ options: RelayOptions) -> RelayWord {
        let topic = options.stateTopic ?? ""
        func unreadable(_ finding: String) -> RelayWord {
            .unreadable("relay \(options.name): \(finding); look at its state topic, key and words")
        }
        guard let word = word(payload, options.stateKey) else {
            return unreadable("a state on \(topic) without \(options.stateKey.map { "\($0) in it" } ?? "text")")
        }
        let (closed, open) = (
            options.stateClosed ?? options.payloadClosed, options.stateOpen ?? options.payloadOpen
        )
        guard word == closed || word == open else {
            return unreadable("state '\(word.prefix(40))' on \(topic) is neither '\(closed)' nor '\(open)'")
        }
        return .state(isClosed: word == closed)
    }

    private static func word(_ payload: [UInt8], _ key: String?) -> String? {
        guard payload.count <= longestState else { return nil }
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
