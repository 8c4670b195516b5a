/// The access rules of a configuration, in the language of one kind of broker.
public struct AccessRules: Sendable {
    /// A kind of broker, by the language of its access rules.
    public enum Language: String, CaseIterable, Sendable {
        case mosquitto, rabbitmq, nats
    }

    /// The users of one role.
    public struct Section: Sendable {
        let role: TopicAccess.Role
        let users: [String]

        /// The users of a role, which may be none.
        public init(_ role: TopicAccess.Role, _ users: [String]) {
            (self.role, self.users) = (role, users)
        }
    }

    let access: TopicAccess
    let sections: [Section]
    /// The configuration, for people.
    let file: String
    /// Addresses of the configuration's brokers, for people.
    let brokers: [String]

    /// The rules for users of known roles.
    public init(_ access: TopicAccess, _ sections: [Section], file: String, brokers: [String] = []) {
        self.access = access
        self.brokers = brokers
        self.sections = sections.filter { !$0.users.isEmpty }
        self.file = file
    }

    /// The text of the rules: a file of the broker, or a script for its tool.
    public func text(_ language: Language) -> String {
        let rules =
            switch language {
            case .mosquitto: mosquitto
            case .rabbitmq: rabbitMQ
            case .nats: nats
            }
        // Every language has such comments.
        return brokers.count > 1
            ? rules + "\n# Each broker of mqtt.hosts needs these rules: \(brokers.joined(separator: ", "))\n" : rules
    }

    /// Reason why a broker cannot carry the topics of the configuration; `nil` if it can.
    public func complaint(_ language: Language) -> String? {
        let names = sections.flatMap { access.grants($0.role) }.map(\.filter)
        switch language {
        case .mosquitto: return nil
        case .rabbitmq:
            let bad = names.first { Self.levels($0).contains("*") }
            return bad.map {
                "RabbitMQ cannot carry the topic '\($0.prefix(80))': a level '*' is a wildcard there. Choose a topic without it"
            }
        case .nats:
            let bad = names.first { Self.levels($0).contains { $0.isEmpty || $0.contains { ".*> \t".contains($0) } } }
            return bad.map {
                "NATS cannot carry the topic '\($0.prefix(80))': it divides levels at '.', and takes no empty level and no level with a "
                    + "space, '*' or '>'. Choose another topic"
            }
        }
    }

    static func levels(_ filter: String) -> [String] {
        filter.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
    }

    /// The purpose of the users of a role, for people.
    static func title(_ role: TopicAccess.Role) -> String {
        switch role {
        case .bridge: "The bridge: writes its documents, reads commands"
        case .homeAssistant: "Home Assistant: reads, and commands the settings that exist"
        case .reader: "Readers: documents and events, nothing to write"
        case .page: "The page of 'bms-mqtt web' with commands: reads, and commands the settings that exist"
        case .gx: "Victron: the driver's document, and the GX tree where it is on"
        }
    }

    /// Filters of a role, each once: to publish, or to subscribe to with `wildcards` or without.
    func filters(_ role: TopicAccess.Role, isWrite: Bool, wildcards: Bool = false) -> [String] {
        var seen: Set<String> = []
        let granted = access.grants(role).filter { $0.isWrite == isWrite }.map(\.filter)
        return (granted + (wildcards ? access.wildcards(role) : [])).filter { seen.insert($0).inserted }
    }
}

extension AccessRules {
    /// An acl_file.
    private var mosquitto: String {
        let head = """
            # mosquitto: acl_file for \(file), printed by 'bms-mqtt acl'.
            # Print it again when packs, relays or topics change. The broker refuses every topic that has no line here: other
            # clients need lines of their own. The file works only with 'allow_anonymous false' and a password_file.

            """
        return head
            + sections.map { section in
                let lines =
                    filters(section.role, isWrite: true).map { "topic write \($0)\n" }
                    + filters(section.role, isWrite: false).map { "topic read \($0)\n" }
                let body = lines.isEmpty ? "# nothing: this configuration has no topic for it\n" : lines.joined()
                return "\n# \(Self.title(section.role))\n"
                    + section.users.map { "user \($0)\n\(body)" }.joined(separator: "\n")
            }.joined()
    }
}
