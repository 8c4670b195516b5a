import MQTT
public import BatteryEngine

/// Permissions to publish and to subscribe: the least that each kind of client needs for one configuration.
///
/// A broker's access rules follow from it, and so does the rule that an answer to a command goes to none of these topics.
public struct TopicAccess: Hashable, Sendable {
    /// A kind of client.
    public enum Role: Hashable, Sendable, CaseIterable {
        /// This program.
        case bridge
        /// Home Assistant, or another client that commands settings.
        case homeAssistant
        /// Dashboards, loggers, `bms-mqtt monitor`, `bms-mqtt web`.
        case reader
        /// `bms-mqtt web` with a password for commands.
        case page
        /// A GX device with its driver, or a client of the GX tree.
        case gx
    }

    /// One permission.
    public struct Grant: Hashable, Sendable {
        /// Publishing; else receiving.
        public let isWrite: Bool
        /// Topic filter.
        public let filter: String
    }

    private let options: BridgeOptions
    /// Packs and banks.
    private let batteries: [BatteryIdentity]
    private let packs: [PackOptions]
    private let responses: [String]

    /// First levels of the bridge's topics.
    var base: String { options.topics.base }

    /// The batteries are announced to Home Assistant.
    var isAnnounced: Bool { options.discovery != .off }

    /// The permissions of a bridge and its clients.
    ///
    /// - Parameter responses: filters of the response topics (MQTT 5) that commanding clients use.
    public init(
        _ options: BridgeOptions, packs: [PackOptions], banks: [BankOptions] = [], responses: [String] = []
    ) {
        self.options = options
        self.packs = packs
        batteries = packs.map(\.identity) + banks.map(\.identity)
        self.responses = responses
    }

    /// Permissions that a kind of client needs, publishing first; empty: there is nothing for it.
    public func grants(_ role: Role) -> [Grant] {
        let (write, read): ([String], [String]) =
            switch role {
            case .bridge: (bridgeWrites, bridgeReads)
            case .homeAssistant: (homeAssistantWrites, documents + events + announcements + responses)
            case .reader: ([], documents + events)
            case .page: (commands, documents + events)
            case .gx: (gxRequests, gxReads)
            }
        return write.map { Grant(isWrite: true, filter: $0) } + read.map { Grant(isWrite: false, filter: $0) }
    }

    /// Filters with wildcards to which the programs of a role subscribe, Home Assistant and `bms-mqtt` among them.
    ///
    /// mosquitto takes any filter and drops what the client may not read. Other brokers compare the filter itself with their rules and
    /// refuse it, so they have to allow these: they reach the topics of other packs and bridges below the same first levels, too.
    public func wildcards(_ role: Role) -> [String] {
        let topics = options.topics
        func documents(_ kinds: [DocumentKind]) -> [String] {
            [topics.statuses] + kinds.map { topics.word($0, of: "+") }
        }
        let read: [DocumentKind] = [.state, .limits, .cells, .relays, .settings, .event]
        return switch role {
        case .bridge:
            [topics.commands] + documents(DocumentKind.allCases)
                + (options.gxTree?.topics.filters ?? []).map(\.filter)
        case .homeAssistant:
            options.discovery == .off
                ? [] : ["\(topics.discoveryPrefix)/+/+/config", topics.entityDiscovery("+", "+", "+")]
        case .reader: documents(read)
        case .page: documents(read + [.result])
        case .gx: []
        }
    }

    /// True where a command may be answered on its response topic. Its sender may command, but this bridge must not publish for the sender
    /// where the sender may not: so no wildcard, nothing below the prefixes of the bridge, of Home Assistant and of a GX, and no topic on which the
    /// bridge itself publishes or listens.
    func mayAnswer(on topic: String) -> Bool {
        guard (1...256).contains(topic.utf8.count), !topic.contains(where: { "+#$\0".contains($0) }) else {
            return false
        }
        let prefixes = [options.topics.base, options.topics.discoveryPrefix, "N", "R", "W"]
        guard !prefixes.contains(where: { topic.hasPrefix($0 + "/") }) else { return false }
        return !grants(.bridge).contains { !responses.contains($0.filter) && Self.filter($0.filter, matches: topic) }
    }

    /// Returns `true` where a filter with wildcards covers a topic. A filter's own wildcards in place of the topic are levels like others.
    public static func filter(_ filter: String, matches topic: String) -> Bool {
        let pattern = filter.split(separator: "/", omittingEmptySubsequences: false)
        let levels = topic.split(separator: "/", omittingEmptySubsequences: false)
        for (index, part) in pattern.enumerated() {
            if part == "#" { return true }
            guard index < levels.count, part == levels[index] || part == "+" && levels[index] != "#" else {
                return false
            }
        }
        return pattern.count == levels.count
    }

    /// Documents of the packs, which others only read.
    private var documents: [String] {
        let topics = options.topics
        return [topics.bridgeStatus]
            + batteries.flatMap { pack in
                [topics.status, topics.state, topics.limits].map { $0(pack.id) }
                    + (pack.isBank ? [] : [topics.cells(pack.id), topics.settings(pack.id)])
                    + (options.publishesValues ? [topics.value(pack.id, "#")] : [])
                    + (pack.relays.isEmpty ? [] : [topics.relays(pack.id)])
            }
    }

    private var events: [String] {
        batteries.flatMap { [options.topics.event($0.id), options.topics.result($0.id)] }
    }

    private var feeds: [String] { options.gxFeed ? batteries.map { options.topics.gx($0.id) } : [] }

    private var announcements: [String] {
        options.discovery == .off ? [] : batteries.flatMap { options.topics.announced($0.id) }
    }

    private var bridgeWrites: [String] {
        let relays = batteries.flatMap(\.relays).map(\.commandTopic)
        return documents + events + feeds + announcements + relays + tree.writes + responses
    }

    private var bridgeReads: [String] {
        let relays = Set(batteries.flatMap(\.relays).compactMap(\.stateTopic)).sorted()
        // To hear who else commands a relay.
        let relayCommands = Set(batteries.flatMap(\.relays).map(\.commandTopic)).sorted()
        let birth = options.discovery == .off ? [] : [options.birthTopic]
        // The filter and not each setting: a command for something that is no setting is answered, too.
        let commands = batteries.map { options.topics.set($0.id, "#") }
        // To hear another bridge's words where this one's belong.
        let statuses = [options.topics.bridgeStatus] + batteries.map { options.topics.status($0.id) }
        let words = batteries.flatMap { pack in DocumentKind.allCases.map { options.topics.word($0, of: pack.id) } }
        return commands + statuses + words + birth + announcements + relays + relayCommands + tree.reads
    }

    private var homeAssistantWrites: [String] {
        (options.discovery == .off ? [] : [options.birthTopic]) + commands
    }

    /// One topic for several settings at once, and one for each.
    private var commands: [String] {
        guard options.takesCommands else { return [] }
        return packs.flatMap { pack in
            [options.topics.set(pack.id)] + SettingsTable.rows(pack).map { options.topics.set(pack.id, $0.name) }
        }
    }

    /// The bridge's own part of the GX tree.
    private var tree: (writes: [String], reads: [String]) {
        guard let topics = options.gxTree?.topics else { return ([], []) }
        let batteries = batteries.map { "battery/\($0.gxInstance)/#" }
        return (
            writes: (GXPortal.paths + batteries).map(topics.notify),
            // Its own level, to hear who else publishes there; of other portals the serial alone.
            reads: [topics.request("#")] + batteries.map(topics.write) + [topics.notify("#"), topics.serials]
        )
    }

    private var gxRequests: [String] {
        guard let topics = options.gxTree?.topics else { return [] }
        let services = batteries.map { "battery/\($0.gxInstance)/#" }
        let requests = (["keepalive", "system/#", "platform/#"] + services).map(topics.request)
        guard options.takesCommands else { return requests }
        return requests
            + packs.flatMap { pack in
                SettingsTable.rows(pack).map { topics.write("battery/\(pack.gxInstance)/\($0.gxPath)") }
            }
    }

    private var gxReads: [String] { feeds + (options.gxTree.map { [$0.topics.notify("#")] } ?? []) }
}
