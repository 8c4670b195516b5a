import BMSCore

extension AccessRules {
    /// A script of rabbitmqctl lines.
    ///
    /// RabbitMQ asks twice: may the user touch the queue and the exchange `amq.topic`, and does the routing key match the user's pattern there?
    /// The routing key of a publication is the topic, of a subscription the filter, in both cases with dots for slashes.
    var rabbitMQ: String {
        let head = #"""
            #!/bin/sh
            # RabbitMQ: access rules for \#(file), printed by 'bms-mqtt acl --for rabbitmq'.
            # Create each user first: 'rabbitmqctl add_user USER' asks for the password. Then run this with sh as root, on one node of the
            # cluster. Print and run it again when packs, relays or topics change. When a pack has left the file: restart or
            # reload the bridge first, wait about a minute for 'the broker keeps nothing of pack ...' in its log, and run this after that.
            # It takes nothing from other users: delete 'guest', and write 'mqtt.allow_anonymous = false' into rabbitmq.conf.
            # RabbitMQ compares the filter of a subscription with these patterns, not each message. So the filters with wildcards that
            # Home Assistant and bms-mqtt use are allowed as a whole, and reach other packs below the same first levels, too.
            # A user with these rules may also use AMQP. Write 'listeners.tcp = none' into rabbitmq.conf where nothing else needs it.
            set -eu
            vhost=/
            queues='\#(Self.queues)'
            allow() { # USER, patterns of what it may publish and subscribe to, resources that it may write
                rabbitmqctl -q set_topic_permissions -p "$vhost" -- "$1" amq.topic "$2" "$3" </dev/null
                rabbitmqctl -q set_permissions -p "$vhost" -- "$1" "^$queues$" "$4" "^(amq\\.topic|$queues)$" </dev/null
            }

            """#
        return head
            + sections.map { section in
                let write = filters(section.role, isWrite: true)
                let starts = section.role == .homeAssistant && access.isAnnounced ? Self.homeAssistantStarts : []
                let read = filters(section.role, isWrite: false, wildcards: true) + starts
                // The right to write on its own queue binds it to the exchange.
                let resources = write.isEmpty ? "^\(Self.queues)$" : #"^(amq\.topic|\#(Self.queues))$"#
                let words = [Self.pattern(write), Self.pattern(read), resources].map(\.inShellQuotes)
                return "\n# \(Self.title(section.role))\n"
                    + section.users.map { "allow \($0.inShellQuotes) \(words.joined(separator: " "))\n" }.joined()
            }.joined()
    }

    /// Filters to which Home Assistant subscribes at each start, for devices of other integrations. RabbitMQ ends a connection that subscribes
    /// to something forbidden. The list follows its `homeassistant/generated/mqtt.py`; later versions may have more.
    static let homeAssistantStarts = [
        "arwn/#", "cloudapp/QBUSMQTTGW/state", "cloudapp/QBUSMQTTGW/config", "cloudapp/QBUSMQTTGW/+/state",
        "drop_connect/discovery/#", "dsmr/#", "esphome/discover/#", "fully/deviceInfo/+",
        "/greencell/broadcast/device", "inels/status/#", "pglab/discovery/#", "tasmota/discovery/#",
    ]

    /// Names of the queues that RabbitMQ makes for subscriptions, as a regular expression.
    private static let queues = "mqtt-subscription-.*qos[01]"

    /// A regular expression that matches exactly the routing keys which these filters cover, filters included; of no filter: nothing.
    static func pattern(_ filters: [String]) -> String {
        var tree = LevelTree()
        for filter in filters { tree.insert(levels(filter)[...]) }
        return filters.isEmpty ? "^$" : "^\(tree.alternatives)$"
    }
}

/// Topic filters as a tree of levels. Levels with the same levels below are written once: a thousand packs give a short expression, which
/// the broker compiles at each message.
private struct LevelTree {
    private var isEnd = false
    private var isOpen = false
    private var children: [String: LevelTree] = [:]

    mutating func insert(_ levels: ArraySlice<String>) {
        guard let first = levels.first else {
            isEnd = true
            return
        }
        if first == "#" {
            isOpen = true
        } else {
            children[first, default: LevelTree()].insert(levels.dropFirst())
        }
    }

    /// Expression of the levels, without a dot before.
    var alternatives: String {
        let groups = Dictionary(grouping: children.keys) { children[$0]?.tail ?? "" }
        let words = groups.map { tail, levels in
            let names = levels.sorted().map(Self.expression)
            return (names.count == 1 ? names[0] : "(\(names.joined(separator: "|")))") + tail
        }.sorted()
        return words.count == 1 ? words[0] : "(\(words.joined(separator: "|")))"
    }

    /// Expression of what follows this level.
    private var tail: String {
        if isOpen { return #"(\..*)?"# }
        if children.isEmpty { return "" }
        return isEnd ? #"(\.\#(alternatives))?"# : #"\.\#(alternatives)"#
    }

    /// A level in a routing key. RabbitMQ writes a dot for a slash, and a slash for a dot.
    private static func expression(_ level: String) -> String {
        // A wildcard stands for any level and for itself, and never for the wildcard of many levels.
        if level == "+" { return "[^.#]+" }
        return level.substituting { scalar in
            switch scalar {
            case ".": "/"
            case "\\", "^", "$", "|", "?", "*", "(", ")", "[", "]", "{", "}": "\\\(scalar)"
            default: nil
            }
        }
    }
}
