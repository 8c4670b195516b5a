import MQTT
import BMSCore
import SmartBMS
import ChargeLimits
import Testing

@testable import BatteryEngine
@testable import MQTTBridge

@Suite("Topic access")
struct TopicAccessTests {
    private static func pack(_ id: String) -> PackOptions {
        var relay = RelayOptions(name: "charger")
        relay.commandTopic = "cmnd/\(id)/POWER"
        relay.stateTopic = "stat/\(id)/POWER"
        var options = PackOptions(id: id)
        options.relays = [relay]
        return options
    }

    private static func options(_ change: (inout BridgeOptions) -> Void = { _ in }) -> BridgeOptions {
        var options = BridgeOptions()
        options.gxTree = GXTreeOptions(portalID: "02a1b2c3d4e5", prefix: "victron", owner: "test")
        change(&options)
        return options
    }

    private func filters(_ access: TopicAccess, _ role: TopicAccess.Role, write: Bool) -> [String] {
        access.grants(role).filter { $0.isWrite == write }.map(\.filter)
    }

    @Test(
        "the bridge may receive exactly the topics of its own packs that it subscribes to",
        arguments: DiscoveryMode.allCases, [true, false])
    func subscriptions(discovery: DiscoveryMode, tree: Bool) {
        let options = Self.options {
            $0.discovery = discovery
            if !tree { $0.gxTree = nil }
        }
        let packs = [Self.pack("garage"), Self.pack("shed")]
        let reads = filters(TopicAccess(options, packs: packs), .bridge, write: false)
        let subscribed = Bridge(options, packs: packs).subscriptions.map(\.filter)
        for filter in subscribed {
            #expect(reads.contains { TopicAccess.filter(filter, matches: $0) }, "\(filter) is subscribed, not allowed")
        }
        for filter in reads {
            #expect(subscribed.contains { TopicAccess.filter($0, matches: filter) }, "\(filter) is allowed in vain")
        }
    }

    @Test(
        "no role's filter is a bare wildcard or reaches another client's topics",
        arguments: TopicAccess.Role.allCases)
    func narrow(role: TopicAccess.Role) {
        let access = TopicAccess(Self.options(), packs: [Self.pack("garage")])
        for filter in access.grants(role).map(\.filter) {
            #expect(!filter.hasPrefix("#") && !filter.hasPrefix("+"))
            for other in [
                "bms/shed/state", "bms/shed/set/maxChargeCurrent", "homeassistant/device/other/config",
                "cmnd/other/POWER",
                "victron/W/c0619ab1cd2e/battery/512/Mode", "victron/N/c0619ab1cd2e/battery/512/Soc", "N/02a1b2c3d4e5/x",
            ] {
                #expect(!TopicAccess.filter(filter, matches: other), "\(filter)")
            }
        }
    }

    @Test("readers write nothing, and with commands off no role may command")
    func readers() {
        let packs = [Self.pack("garage")]
        #expect(filters(TopicAccess(Self.options(), packs: packs), .reader, write: true) == [])
        let quiet = TopicAccess(Self.options { $0.takesCommands = false }, packs: packs)
        #expect(filters(quiet, .homeAssistant, write: true) == ["homeassistant/status"])
        #expect(!filters(quiet, .gx, write: true).contains { $0.contains("/W/") })
        let open = TopicAccess(Self.options(), packs: packs)
        #expect(filters(open, .homeAssistant, write: true).contains("bms/garage/set/relay/charger"))
    }

    @Test(
        "filters match topics as a broker matches them",
        arguments: [
            ("a/b", "a/b", true), ("a/+", "a/b", true), ("a/+", "a/b/c", false), ("a/#", "a/b/c", true),
            ("a/#", "a", true), ("a/b", "a/b/c", false), ("a/b/c", "a/b", false), ("+/b", "/b", true),
            ("a/+", "a/#", false), ("a/#", "a/#", true),
        ])
    func matching(filter: String, topic: String, matches: Bool) {
        #expect(TopicAccess.filter(filter, matches: topic) == matches)
    }

    @Test(
        "the bridge sends no answer to a topic of its own, of a relay or of a GX",
        arguments: [
            ("answers/me", true), ("bms/garage/set/chargeEnabled", false), ("bms/garage/limits", false),
            ("homeassistant/device/x/config", false), ("cmnd/garage/POWER", false), ("stat/garage/POWER", false),
            ("victron/N/02a1b2c3d4e5/battery/512/Info/MaxChargeCurrent", false),
            ("victron/W/02a1b2c3d4e5/battery/512/Settings/MaxChargeCurrent", false),
            ("W/c0619ab1cd2e/settings/0/Settings/SystemSetup/MaxChargeCurrent", false), ("a/+", false), ("", false),
        ])
    func responseTopics(topic: String, isAnswered: Bool) {
        var bridge = Bridge(Self.options(), packs: [Self.pack("garage")])
        let now = Moment(monotonic: Timestamp(milliseconds: 0), wall: 1_700_000_000_000, minuteOfDay: 600)
        _ = bridge.connected(canExpire: true, at: now)
        let outbox = bridge.receive(
            MQTTMessage("bms/garage/set/maxChargeCurrent", Array("40".utf8), responseTopic: topic), at: now)
        let topics = outbox.answers.flatMap { $0.messages(failure: nil) }.map(\.topic)
        #expect(topics == ["bms/garage/result"] + (isAnswered ? [topic] : []))
    }
}
