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

    /// `online` or `offline`, retained; `offline` is also the will.
    public var bridgeStatus: String { "\(base)/bridge/status" }
    /// `online` while good frames come.
    public func status(_ pack: String) -> String { "\(base)/\(pack)/status" }
    /// The whole pack as one document.
    public func state(_ pack: String) -> String { "\(base)/\(pack)/state" }
    /// Every cell.
    public func cells(_ pack: String) -> String { "\(base)/\(pack)/cells" }
    /// CVL, CCL, DCL with reasons.
    public func limits(_ pack: String) -> String { "\(base)/\(pack)/limits" }
    /// Alarms, state changes, link lost and found.
    public func event(_ pack: String) -> String { "\(base)/\(pack)/event" }
    /// The dbus-mqtt-battery document.
    public func gx(_ pack: String) -> String { "\(base)/\(pack)/gx" }
    /// Home Assistant's device announcement.
    public func deviceDiscovery(_ node: String) -> String { "\(discoveryPrefix)/device/\(node)/config" }
    /// Home Assistant's announcement of one entity.
    public func entityDiscovery(_ platform: String, _ node: String, _ key: String) -> String {
        "\(discoveryPrefix)/\(platform)/\(node)/\(key)/config"
    }
}
