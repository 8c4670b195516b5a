import BMSCore
import ChargeLimits
import MQTTBridge
import Mosquitto
import SerialLink

/// A configuration file, checked and in the words of the modules.
struct Configuration: Sendable {
    var plan = ServicePlan(link: LinkConfiguration(host: "localhost", clientID: ""), packs: [])
    var logLevel = Log.Level.info
    var passwordFile: String?
    var hasPort = false
    var discoveryPrefix = "homeassistant"
    var baseTopic = "bms"
    var birthTopic: String?
    var freshness = FreshnessTimes()
    /// The file asks for the GX tree, which this version does not have.
    var wantsTree = false
    /// Things that are allowed and worth a word.
    var notices: [String] = []

    /// Puts together what several keys say.
    mutating func finish() {
        if !hasPort { plan.link.port = plan.link.tls == nil ? 1883 : 8883 }
        plan.bridge.topics = Topics(base: baseTopic, discoveryPrefix: discoveryPrefix)
        plan.bridge.birthTopic = birthTopic ?? "\(discoveryPrefix)/status"
        for index in plan.packs.indices {
            plan.packs[index].options.tracker.freshness = freshness
            plan.packs[index].options.limits.freshness = freshness
        }
        if wantsTree {
            notices.append("gx.tree is announced for a later version and does nothing yet: gx.feed is what a GX obeys")
        }
    }
}
