import BMSCore
import ChargeLimits
import LinuxIO
import BatteryEngine
import MQTTBridge
import Mosquitto
import ServiceIO

/// Keys outside the packs.
enum ConfigurationTable {
    typealias Key = ConfigurationKey<Configuration>

    static let keys: [Key] = [
        Key(
            "mqtt.host", .checked(host), "localhost", "Name or address of the broker, without port and without mqtt://."
        ) {
            if case .success(let host) = HostName.parse($1.text) { $0.plan.link.host = host }
            $0.hasHost = true
        },
        Key(
            "mqtt.hosts", .brokers, nil,
            "Brokers in order of preference, instead of `host`: while the first does not serve, the next one does, and the bridge "
                + "goes back to the first when it listens again (docs/brokers.md). Each has its own port, or that of `port`; user, password and "
                + "TLS are the same for all.",
            example: "[broker-a, \"192.0.2.7:1884\", \"[2001:db8::7]:1883\"]"
        ) { $0.hosts = $1.list },
        Key(
            "mqtt.port", .whole(1...65_535, unit: ""), nil, "TCP port of the broker; 1883 unless given, with TLS 8883.",
            example: "1883"
        ) {
            $0.plan.link.port = $1.number
            $0.hasPort = true
        },
        Key(
            "mqtt.clientId", .text(longest: 64), nil,
            "Client identifier; two clients with the same one disconnect each other. Unless given: bms-mqtt-<host name>.",
            example: "bms-mqtt"
        ) { $0.plan.link.clientID = $1.text },
        Key("mqtt.username", .text(longest: 255), nil, "User at the broker.", example: "bms") {
            $0.plan.link.username = $1.text
        },
        Key(
            "mqtt.password", .text(longest: 255, mayBeEmpty: true), nil,
            "Password at the broker. Better in a file that others cannot read (passwordFile), in the systemd credential "
                + "mqtt-password, or in the environment's BMS_MQTT_PASSWORD; in one of these places only.",
            example: "secret", warnsOfComment: true
        ) {
            $0.plan.link.password = $1.text
            $0.hasInlinePassword = true
        },
        Key(
            "mqtt.passwordFile", .text(longest: 4096), nil, "File that holds the password in one line, UTF-8.",
            example: "/etc/bms-mqtt/password"
        ) { $0.passwordFile = $1.text },
        Key(
            "mqtt.protocol", .choice(["auto", "5", "3.1.1"]), "auto",
            "MQTT version; auto is 5, or 3.1.1 if the broker does not support 5. Without 5 nothing expires, and so state, cells "
                + "and limits are not retained."
        ) {
            $0.plan.link.protocolPreference = $1.text == "5" ? .v5 : $1.text == "3.1.1" ? .v311 : .automatic
        },
        Key(
            "mqtt.keepalive", .whole(5...300, unit: "seconds"), "6",
            "The broker notices a dead or frozen bridge after 1.5 times this and about 5 s more: within 15 s at the default. A dead "
                + "broker is noticed after 25 to 30 s, whatever the value; after 12 s if `hosts` has another broker and the line was quick before."
        ) { $0.plan.link.keepalive = $1.number },
        Key("mqtt.base", .checked(baseTopic), "bms", "First level of all topics.") { $0.baseTopic = $1.text },
        Key(
            "mqtt.tls.caFile", .text(longest: 4096), nil,
            "Certificates to trust (PEM); unless given, the system's. The broker's certificate and host name are always "
                + "verified. `tls: true` switches TLS on without further keys.", example: "/etc/bms-mqtt/ca.crt"
        ) { $0.plan.link.tls?.caFile = $1.text },
        Key(
            "mqtt.tls.certFile", .text(longest: 4096), nil, "Certificate of this client (PEM).",
            example: "/etc/bms-mqtt/client.crt"
        ) { $0.plan.link.tls?.certificateFile = $1.text },
        Key(
            "mqtt.tls.keyFile", .text(longest: 4096), nil, "Key of this client's certificate (PEM, no passphrase).",
            example: "/etc/bms-mqtt/client.key"
        ) { $0.plan.link.tls?.keyFile = $1.text },
        Key(
            "homeAssistant.discovery", .choice(DiscoveryMode.allCases.map(\.rawValue)), "device",
            "Form in which packs are announced: device (Home Assistant 2024.12 and later), entities (older releases), or off."
        ) { $0.plan.bridge.discovery = DiscoveryMode(rawValue: $1.text) ?? .device },
        Key(
            "homeAssistant.prefix", .checked(baseTopic), "homeassistant",
            "Discovery prefix, as set in Home Assistant's MQTT integration."
        ) { $0.discoveryPrefix = $1.text },
        Key(
            "homeAssistant.birthTopic", .checked(baseTopic), nil,
            "Topic on which Home Assistant says that it has started; <prefix>/status unless given.",
            example: "homeassistant/status"
        ) { $0.birthTopic = $1.text },
        Key(
            "homeAssistant.language", .choice(Language.allCases.map(\.rawValue)), "en",
            "Language of the entities' names: English, German, Dutch or French. Entity ids stay English."
        ) { $0.plan.bridge.language = Language(rawValue: $1.text) ?? .en },
        Key(
            "homeAssistant.enabledCells", .whole(0...255, unit: "cells"), "24",
            "Entities of cells above this number are disabled at first."
        ) { $0.plan.bridge.enabledCells = $1.number },
        Key("gx.feed", .flag, "true", "Publish the document for dbus-mqtt-battery on <base>/<pack>/gx.") {
            $0.plan.bridge.gxFeed = $1.flag
        },
        Key(
            "gx.tree", .flagOrAuto, "auto",
            "GX tree: the topics that clients of a GX device read (N/, R/, W/), under a portal id of the bridge. auto publishes it "
                + "unless a GX device is on the broker, whose clients would take this portal for the GX; true publishes it there, too; "
                + "false never does."
        ) { $0.tree = $1.isAuto ? .auto : $1.flag ? .yes : .no },
        Key(
            "gx.portalId", .checked(portalID), nil,
            "Portal id of the GX tree, 12 hexadecimal digits; unless given, one that stays the same for this machine and client id. "
                + "It must not be the id of a real GX.", example: "02a1b2c3d4e5"
        ) { $0.portalID = $1.text },
        Key(
            "gx.prefix", .checked(baseTopic), nil, "Topic levels before N, R and W.", example: "victron"
        ) { $0.gxPrefix = $1.text },
        Key(
            "publish.economy", .choice(Economy.allCases.map(\.rawValue)), "normal",
            "How much a measurement must change to be sent between two heartbeats (docs/mqtt-topics.md lists the deadbands): off "
                + "for any change, normal, or low with four times the deadbands and longer times, for links billed by the byte. "
                + "Limits, alarms, permissions and relays go out at once in any case."
        ) { $0.plan.bridge.economy = Economy(rawValue: $1.text) ?? .normal },
        Key(
            "publish.state", .whole(0...30, unit: "seconds"), nil,
            "Shortest time between two state documents with new measurements alone; 0: one with every frame. Unless given 5, with "
                + "economy low 10. Changes of limits, alarms and permissions go out at once in any case.", example: "5"
        ) { $0.stateInterval = Int64($1.number) * 1000 },
        Key(
            "publish.heartbeat", .whole(1...15, unit: "seconds"), nil,
            "Longest time between two state documents, and between a value of the GX tree that moved inside its deadband and its "
                + "repetition. Unless given 10, with economy low 14, and never above half of publish.expiry.",
            example: "10"
        ) { $0.stateHeartbeat = Int64($1.number) * 1000 },
        Key(
            "publish.limits", .whole(0...30, unit: "seconds"), nil,
            "Longest time between two limits documents; 0: one with every frame. Unless given 5, with economy low 14.",
            example: "5"
        ) { $0.limitsInterval = Int64($1.number) * 1000 },
        Key(
            "publish.cells", .whole(0...60, unit: "seconds"), "30",
            "Longest time between two cells documents; 0: one with every frame."
        ) { $0.plan.bridge.cellsInterval = Int64($1.number) * 1000 },
        Key(
            "publish.expiry", .whole(10...30, unit: "seconds"), "30",
            "Time after which the broker deletes a retained document (MQTT 5), so that a dead bridge leaves no limit behind. At "
                + "least twice publish.state, publish.heartbeat and publish.limits."
        ) { $0.plan.bridge.expiry = $1.number },
        Key(
            "publish.values", .flag, "false",
            "Publish each value on a topic of its own, too, as in <base>/<pack>/value/soc, for programs that read no JSON "
                + "(openHAB, Loxone, ioBroker). Named as Home Assistant's entities are."
        ) { $0.plan.bridge.publishesValues = $1.flag },
        Key(
            "staleness.hold", .whole(1...10, unit: "seconds"), "3",
            "Age of the last good frame above which limits no longer rise."
        ) { $0.freshness.hold = Int64($1.number) * 1000 },
        Key(
            "staleness.stale", .whole(3...30, unit: "seconds"), "10",
            "Age above which the pack is offline: no charge, 0.2 C discharge, lowered charge voltage."
        ) { $0.freshness.stale = Int64($1.number) * 1000 },
        Key(
            "staleness.lost", .whole(10...120, unit: "seconds"), "60",
            "Age above which discharge stops, too, and the GX feed falls silent."
        ) { $0.freshness.lost = Int64($1.number) * 1000 },
        Key(
            "commands", .flag, "true",
            "Accept commands for settings on <base>/<pack>/set/; false: every command is refused, no controls are announced."
        ) { $0.plan.bridge.takesCommands = $1.flag },
        Key(
            "stateDirectory", .checked(absolutePath), nil,
            "Directory that keeps settings and learned values over a restart. Unless given: $STATE_DIRECTORY (systemd), "
                + "/var/lib/bms-mqtt for root, else ~/.local/state/bms-mqtt.", example: "/var/lib/bms-mqtt"
        ) { $0.plan.stateDirectory = $1.text },
        Key(
            "log.level", .choice(["debug", "info", "warning", "error"]), "info",
            "Lowest level of the lines that are logged, on standard error."
        ) { $0.logLevel = Log.Level(name: $1.text) ?? .info },
    ]

    /// Complaint about the name or address of a broker; `nil`: it is valid.
    private static func host(_ text: String) -> String? {
        let found = "found '\(text.prefix(60))'"
        guard text.utf8.count <= 255 else { return "expected a name of at most 255 bytes" }
        guard case .failure(let fault) = HostName.parse(text) else { return nil }
        switch fault {
        case .empty: return "expected a name or an address, found nothing: give one or leave the key out"
        case .scheme(let scheme):
            let isTLS = ["mqtts", "ssl", "tls"].contains(scheme.lowercased())
            return "expected a name or an address alone, \(found): leave '\(scheme)://' out, a port goes to mqtt.port"
                + (isTLS ? ", and 'tls: true' switches TLS on" : "")
        case .port: return "expected a name or an address alone, \(found): the port goes to mqtt.port"
        case .character:
            return "expected a name or an address like broker.lan, 192.0.2.7 or 2001:db8::7, \(found)"
        }
    }

    /// Complaint about the path of a folder, which must not depend on the folder in which the program is started; `nil`: it is valid.
    private static func absolutePath(_ text: String) -> String? {
        guard text.utf8.count <= 4096, text.isPlain else {
            return "expected one line of at most 4096 characters, without control characters"
        }
        return text.hasPrefix("/") ? nil : "expected a path that begins with /, found '\(text.prefix(60))'"
    }

    private static func portalID(_ text: String) -> String? {
        let isSound = text.utf8.count == 12 && text.utf8.allSatisfy { "0123456789abcdef".utf8.contains($0) }
        return isSound ? nil : "expected 12 hexadecimal digits in lower case, found '\(text.prefix(40))'"
    }

    /// Complaint about topic levels, which have letters, digits, `_` and `-` only, because wildcards and empty levels would name other
    /// topics; `nil`: they are valid.
    static func baseTopic(_ text: String) -> String? {
        let levels = text.split(separator: "/", omittingEmptySubsequences: false)
        let isSound = levels.allSatisfy { level in
            !level.isEmpty && level.utf8.allSatisfy(isTopicCharacter)
        }
        return isSound && text.utf8.count <= 64
            ? nil
            : "expected topic levels of letters, digits, _ and - with / between them, 64 characters at most, found '\(text.prefix(70))'"
    }

    private static func isTopicCharacter(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"):
            true
        default: false
        }
    }
}

extension ConfigurationKey.Value {
    /// The text; empty for a value of another kind, which the kinds of the table exclude.
    var text: String { if case .text(let text) = self { text } else { "" } }
    /// The flag; `false` for a value of another kind.
    var flag: Bool { if case .flag(let flag) = self { flag } else { false } }
    /// The value is `auto`, neither true nor false.
    var isAuto: Bool { text == "auto" }
    /// The curve; `nil` for a value of another kind.
    var curve: TemperatureCurve? { if case .curve(let curve) = self { curve } else { nil } }
    /// The list; empty for a value of another kind.
    var list: [String] { if case .list(let names) = self { names } else { [] } }
    /// The number; 0 for a value of another kind.
    var number: Int { if case .number(let number) = self { number } else { 0 } }
}
