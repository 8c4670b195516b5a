import BMSCore

extension AccessRules {
    /// A file to include into the configuration of a server: permissions with names, which the users there refer to.
    var nats: String {
        var text = #"""
            # NATS: permissions for \#(file), printed by 'bms-mqtt acl --for nats'.
            # Print it again when packs, relays or topics change; 'nats-server --signal reload' takes it. Write these lines into the
            # configuration of each server, with passwords ('nats server passwd' encrypts one):
            #   include ./bms-mqtt-nats.conf
            #   authorization {
            #     users: [

            """#
        for section in sections {
            for user in section.users {
                text +=
                    "#       { user: \(user.inDoubleQuotes), password: \"...\", permissions: $\(name(section.role)), "
                text += "allowed_connection_types: [MQTT] }\n"
            }
        }
        text += """
            #     ]
            #   }
            # NATS compares the filter of a subscription with these subjects. So the filters with wildcards that Home Assistant and
            # bms-mqtt use are allowed as a whole, and reach other packs below the same first levels, too. $MQTT.sub. is where NATS
            # delivers to subscriptions with QoS 1; a client cannot subscribe there.

            """
        return text
            + sections.map { section in "\n# \(Self.title(section.role))\n" + permissions(section.role) }.joined()
    }

    private func permissions(_ role: TopicAccess.Role) -> String {
        let write = subjects(filters(role, isWrite: true))
        let read = ["$MQTT.sub.>"] + subjects(filters(role, isWrite: false, wildcards: true))
        func list(_ subjects: [String]) -> String {
            "[\n" + subjects.map { "    \($0.inDoubleQuotes)\n" }.joined() + "  ]"
        }
        // An empty list would allow everything.
        let publish = write.isEmpty ? #"{ deny: [">"] }"# : "{ allow: \(list(write)) }"
        return "\(name(role)): {\n  publish: \(publish)\n  subscribe: { allow: \(list(read)) }\n}\n"
    }

    /// Filters in the words of NATS. "a/#" covers "a", too, which "a.>" does not.
    private func subjects(_ filters: [String]) -> [String] {
        var seen: Set<String> = []
        return filters.flatMap { filter -> [String] in
            let subject = Self.levels(filter).map { $0 == "+" ? "*" : $0 == "#" ? ">" : $0 }.joined(separator: ".")
            return subject.hasSuffix(".>") ? [String(subject.dropLast(2)), subject] : [subject]
        }.filter { seen.insert($0).inserted }
    }

    /// Name of a role's permissions: one server has those of several bridges, each with a base of its own.
    private func name(_ role: TopicAccess.Role) -> String {
        let word =
            switch role {
            case .bridge: "bridge"
            case .homeAssistant: "home_assistant"
            case .reader: "reader"
            case .page: "page"
            case .gx: "gx"
            }
        return Self.identifier(access.base) + "_" + word
    }

    /// A base in letters, digits and underscores: two bases never have one name, also where they differ in punctuation alone.
    static func identifier(_ base: String) -> String {
        let digits = Array("0123456789abcdef")
        return base.utf8.map { byte in
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "a")...UInt8(ascii: "z"):
                String(UnicodeScalar(byte))
            case UInt8(ascii: "_"): "__"
            case UInt8(ascii: "-"): "_d"
            case UInt8(ascii: "/"): "_s"
            default: "_x\(digits[Int(byte >> 4)])\(digits[Int(byte & 15)])"
            }
        }.joined()
    }
}
