import BMSCore
import BatteryEngine
import MQTTBridge

/// Keys of one relay of a pack.
enum RelayTable {
    typealias Key = ConfigurationKey<RelayOptions>

    static let keys: [Key] = [
        Key(
            "name", .checked(PackTable.identifier), nil,
            "Identifier in topics and entities: the setting is relay/<name>. Required.", example: "charger"
        ) { $0.name = $1.text },
        Key(
            "function", .choice(RelayOptions.Function.allCases.map(\.rawValue)), "chargeAllowed",
            "Condition that closes the relay: chargeAllowed and dischargeAllowed follow the BMS's permission and a limit above 0; "
                + "fault is closed while there is no alarm; full while the pack is full; manual by command."
        ) { $0.function = RelayOptions.Function(rawValue: $1.text) ?? .chargeAllowed },
        Key(
            "needs", .choice(RelayOptions.Need.allCases.map(\.rawValue)), "discharging",
            "Current that the BMS must permit before a manual relay closes."
        ) { $0.need = RelayOptions.Need(rawValue: $1.text) ?? .discharging },
        Key("driver", .choice(["mqtt"]), "mqtt", "Interface of the relay.") { _, _ in },
        Key(
            "commandTopic", .checked(topic), nil, "Topic of the relay's commands. Required.",
            example: "cmnd/charger/POWER"
        ) { $0.commandTopic = $1.text },
        Key("payloadClosed", .text(longest: 256, mayBeEmpty: true), "\"ON\"", "Payload that closes the relay.") {
            $0.payloadClosed = $1.text
        },
        Key("payloadOpen", .text(longest: 256, mayBeEmpty: true), "\"OFF\"", "Payload that opens the relay.") {
            $0.payloadOpen = $1.text
        },
        Key("qos", .whole(0...1, unit: ""), "1", "MQTT quality of service of commands.") { $0.qos = $1.number },
        Key(
            "stateTopic", .checked(topic), nil, "Topic of the relay's state.", example: "stat/charger/POWER"
        ) { $0.stateTopic = $1.text },
        Key(
            "stateKey", .text(longest: 64), nil,
            "Path of the state in a JSON payload; the payload itself unless given.", example: "StatusSTS.POWER"
        ) { $0.stateKey = $1.text },
        Key(
            "stateClosed", .text(longest: 64, mayBeEmpty: true), nil,
            "State that means closed; payloadClosed unless given. JSON's true and numbers are written as text.",
            example: "\"true\""
        ) { $0.stateClosed = $1.text },
        Key(
            "stateOpen", .text(longest: 64, mayBeEmpty: true), nil, "State that means open; payloadOpen unless given.",
            example: "\"false\""
        ) { $0.stateOpen = $1.text },
        Key(
            "readBackTimeout", .whole(1...600, unit: "seconds"), "10",
            "A state that disagrees with the command for longer is an alarm."
        ) { $0.readBackTimeout = Int64($1.number) * 1000 },
        Key(
            "repeat", .whole(0...3600, unit: "seconds"), "30",
            "Time between two repetitions of the command; 0: none. A device that opens by itself when nothing is repeated "
                + "needs about half its time here."
        ) { $0.repetition = Int64($1.number) * 1000 },
        Key(
            "dwell", .whole(0...3600, unit: "seconds"), "60",
            "Shortest time open; counted from the start of the bridge, too. Opening never waits."
        ) { $0.dwell = Int64($1.number) * 1000 },
        Key(
            "whenStale", .choice(RelayOptions.Rest.allCases.map(\.rawValue)), "open",
            "open: opens when the link is stale; hold: stays as it is until the link is lost."
        ) { $0.whenStale = RelayOptions.Rest(rawValue: $1.text) ?? .open },
        Key(
            "onExit", .choice(RelayOptions.Rest.allCases.map(\.rawValue)), "open",
            "open: opens at a clean end, and by a will when the bridge dies; hold: stays as it is over the end and the start "
                + "of the bridge."
        ) { $0.onExit = RelayOptions.Rest(rawValue: $1.text) ?? .open },
    ]

    /// A topic that can be published to and subscribed to.
    private static func topic(_ text: String) -> String? {
        guard (1...256).contains(text.utf8.count), text.isPlain else {
            return "expected a topic of 1 to 256 bytes without control characters"
        }
        if text.contains(where: { "+#".contains($0) }) {
            return "expected a topic without wildcards (+ and #), found '\(text.prefix(40))'"
        }
        return text.hasPrefix("$") ? "expected a topic that does not begin with $, which is the broker's" : nil
    }
}
