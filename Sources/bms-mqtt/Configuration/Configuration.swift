import BMSCore
import SmartBMS
import ChargeLimits
import BatteryEngine
import MQTTBridge
import Mosquitto
import SerialLink
import ServiceIO

/// A checked configuration file, as options of the modules.
struct Configuration: Sendable {
    var plan = ServicePlan(link: LinkConfiguration(host: "localhost", clientID: ""), packs: [])
    var logLevel = Log.Level.info
    var passwordFile: String?
    /// The password is in the file itself.
    var hasInlinePassword = false
    var hasPort = false
    var hasHost = false
    /// Brokers in order of preference, as written; empty where the file has none.
    var hosts: [String] = []
    var discoveryPrefix = "homeassistant"
    var baseTopic = "bms"
    var birthTopic: String?
    var freshness = FreshnessTimes()
    /// Condition on which the GX tree is published.
    var tree = GXTreeWish.auto
    var portalID: String?
    var gxPrefix = ""
    /// Intervals of publishing in the file, milliseconds; `nil`: the economy decides.
    var stateInterval: Int64?
    var stateHeartbeat: Int64?
    var limitsInterval: Int64?
    /// Warnings about things that are allowed.
    var notices: [String] = []

    /// Sets the options that depend on several keys.
    mutating func finish() {
        if !hasPort { plan.link.port = plan.link.tls == nil ? 1883 : 8883 }
        let brokers = BrokerText.brokers(hosts, port: plan.link.port)
        if let first = brokers.first {
            (plan.link.host, plan.link.port) = (first.host, first.port)
            plan.link.others = Array(brokers.dropFirst())
        }
        plan.bridge.brokers = plan.link.brokers.map(\.description)
        plan.bridge.topics = Topics(base: baseTopic, discoveryPrefix: discoveryPrefix)
        plan.bridge.birthTopic = birthTopic ?? "\(discoveryPrefix)/status"
        setPace()
        for index in plan.packs.indices {
            plan.packs[index].options.decoding.freshness = freshness
            plan.packs[index].options.limits.freshness = freshness
        }
        if plan.link.clientID.isEmpty { plan.link.clientID = "bms-mqtt-\(Machine.name)" }
        for index in plan.banks.indices { plan.banks[index].options.limits.freshness = freshness }
        let told = Set(plan.buses.map(\.battery))
        for index in plan.packs.indices {
            plan.packs[index].options.hasBus = told.contains(plan.packs[index].options.id)
        }
        for index in plan.banks.indices {
            plan.banks[index].options.hasBus = told.contains(plan.banks[index].options.id)
        }
        let taken = Set(plan.packs.compactMap(\.gxInstance) + plan.banks.compactMap(\.gxInstance))
        var next = 512
        for index in plan.packs.indices {
            while taken.contains(next) { next += 1 }
            plan.packs[index].options.gxInstance = plan.packs[index].gxInstance ?? next
            if plan.packs[index].gxInstance == nil { next += 1 }
            plan.packs[index].options.connection = "\(plan.packs[index].source)"
        }
        for index in plan.banks.indices {
            while taken.contains(next) { next += 1 }
            plan.banks[index].options.gxInstance = plan.banks[index].gxInstance ?? next
            if plan.banks[index].gxInstance == nil { next += 1 }
        }
        guard tree != .no else { return }
        plan.bridge.gxTree = GXTreeOptions(
            portalID: portalID ?? Machine.portalID(plan.link.clientID), prefix: gxPrefix, owner: plan.link.clientID,
            isForced: tree == .yes)
    }

    /// Sets the intervals of publishing. Defaults stay within half of the expiry, or documents would vanish between two heartbeats.
    private mutating func setPace() {
        let economy = plan.bridge.economy
        let longest = Int64(plan.bridge.expiry) * 500
        plan.bridge.stateInterval = stateInterval ?? min(economy.statePace, longest)
        plan.bridge.stateHeartbeat = stateHeartbeat ?? min(economy.stateHeartbeat, longest)
        plan.bridge.limitsInterval = limitsInterval ?? min(economy.limitsHeartbeat, longest)
    }
}

/// Condition on which the GX tree is published.
enum GXTreeWish: Sendable {
    /// The tree is published unless a GX device is on the broker.
    case auto
    case yes
    case no
}
