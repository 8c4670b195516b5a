/// Every topic name, in one place (docs/mqtt-topics.md, layout version 1).
public struct Topics: Hashable, Sendable {
    /// First level, "bms" unless configured.
    public let base: String
    /// Home Assistant's discovery prefix.
    public let discoveryPrefix: String

    /// Names under the given first levels.
    public init(base: String, discoveryPrefix: String) {
        self.base = base
        self.discoveryPrefix = discoveryPrefix
    }

    /// Returns `true` for a name that may be a level of topics and a part of entities' ids: a-z, 0-9, _ and -, not empty.
    public static func isIdentifier(_ name: String, longest: Int) -> Bool {
        (1...longest).contains(name.utf8.count)
            && name.utf8.allSatisfy { byte in
                (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
                    || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || byte == UInt8(ascii: "_")
                    || byte == UInt8(ascii: "-")
            }
    }

    /// An identifier as Home Assistant spells entity ids.
    public static func entityID(_ name: String) -> String { name.split(separator: "-").joined(separator: "_") }

    /// `online` or `offline`, retained; `offline` is also the will.
    public var bridgeStatus: String { "\(base)/bridge/status" }
    /// `online` while good frames come, limits are known and the broker takes them.
    public func status(_ pack: String) -> String { "\(base)/\(pack)/status" }
    /// Filter of the statuses of the bridge, its packs and banks.
    var statuses: String { "\(base)/+/status" }
    /// The pack of a status topic; `nil` where it is none.
    func pack(ofStatus topic: String) -> String? {
        pack(topic, "status")
    }
    /// The one level between the base and a last level; `nil` where the topic is of another kind.
    private func pack(_ topic: String, _ last: String) -> String? {
        guard topic.hasPrefix(base + "/"), topic.hasSuffix("/" + last) else { return nil }
        let id = topic.dropFirst(base.count + 1).dropLast(last.count + 1)
        return id.isEmpty || id.contains("/") ? nil : String(id)
    }
    /// The whole pack as one document.
    public func state(_ pack: String) -> String { "\(base)/\(pack)/state" }
    /// Every cell.
    public func cells(_ pack: String) -> String { "\(base)/\(pack)/cells" }
    /// CVL, CCL, DCL with reasons.
    public func limits(_ pack: String) -> String { "\(base)/\(pack)/limits" }
    /// Alarms, state changes, link lost and found.
    public func event(_ pack: String) -> String { "\(base)/\(pack)/event" }
    /// Every setting.
    public func settings(_ pack: String) -> String { "\(base)/\(pack)/settings" }
    /// Positions of the relays.
    public func relays(_ pack: String) -> String { "\(base)/\(pack)/relays" }
    /// Answers to commands.
    public func result(_ pack: String) -> String { "\(base)/\(pack)/result" }
    /// Commands for a setting.
    public func set(_ pack: String, _ setting: String) -> String { "\(base)/\(pack)/set/\(setting)" }
    /// Commands for several settings at once.
    public func set(_ pack: String) -> String { "\(base)/\(pack)/set" }
    /// Filter of all commands, those for several settings included.
    public var commands: String { "\(base)/+/set/#" }

    /// Pack and setting of a command's topic; `nil` where it is none.
    func command(_ topic: String) -> (pack: String, setting: String)? {
        guard topic.hasPrefix(base + "/") else { return nil }
        let levels = topic.dropFirst(base.count + 1).split(
            separator: "/", maxSplits: 2, omittingEmptySubsequences: false)
        guard levels.count == 3, levels[1] == "set" else { return nil }
        return (String(levels[0]), String(levels[2]))
    }

    /// Pack of a topic for several settings; `nil` where it is none.
    func commands(_ topic: String) -> String? { pack(topic, "set") }

    /// One value, by the key of its Home Assistant entity.
    public func value(_ pack: String, _ key: String) -> String { "\(base)/\(pack)/value/\(key)" }
    /// The dbus-mqtt-battery document.
    public func gx(_ pack: String) -> String { "\(base)/\(pack)/gx" }
    /// Home Assistant's device announcement.
    public func deviceDiscovery(_ node: String) -> String { "\(discoveryPrefix)/device/\(node)/config" }
    /// Filters of everything that was announced for a pack.
    func announced(_ pack: String) -> [String] {
        let node = Discovery.node(pack)
        return [deviceDiscovery(node), entityDiscovery("+", node, "+")]
    }

    /// Node of an announcement's topic; `nil` where it is none.
    func announcement(_ topic: String) -> String? {
        guard topic.hasPrefix(discoveryPrefix + "/"), topic.hasSuffix("/config") else { return nil }
        let levels = topic.dropFirst(discoveryPrefix.count + 1).split(separator: "/")
        return levels.count == 3 || levels.count == 4 ? String(levels[1]) : nil
    }

    /// Home Assistant's announcement of one entity.
    public func entityDiscovery(_ platform: String, _ node: String, _ key: String) -> String {
        "\(discoveryPrefix)/\(platform)/\(node)/\(key)/config"
    }
}
