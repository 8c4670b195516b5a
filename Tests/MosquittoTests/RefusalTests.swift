import MQTT
import Mosquitto
import TestSupport
import TestThreads
import Testing

/// Refusals by access rules: mosquitto's access file reports those of messages with quality 1, its dynamic security plugin also those of
/// subscriptions.
@Suite("Refusals", .waits, .timeLimit(.minutes(10)), .enabled(if: BrokerFixture.isAvailable, "needs mosquitto"))
struct RefusalTests {
    private static let plugin = "/usr/lib/x86_64-linux-gnu/mosquitto_dynamic_security.so"

    private func link(_ broker: BrokerFixture, _ complaints: Complaints) -> LinkHarness {
        var configuration = LinkConfiguration(broker)
        configuration.username = "bms"
        configuration.password = "bms"
        return LinkHarness(configuration, complaints)
    }

    @Test("a refused message is reported with topic, user and remedy, and an accepted one is not")
    func publish() async {
        let folder = TemporaryFolder()
        folder.write("user bms\ntopic write open\n", "acl")
        var options = BrokerFixture.Options()
        options.user = ("bms", "bms")
        options.lines = ["acl_file \(folder.path)/acl"]
        let broker = BrokerFixture(options)
        #expect(broker.start())
        let complaints = Complaints()
        let harness = link(broker, complaints)
        await harness.start()
        #expect(await harness.connected())
        #expect(harness.link.publish(MQTTMessage("open", "x", qos: 1)) == .queued)
        #expect(harness.link.publish(MQTTMessage("closed", "x", qos: 1)) == .queued)
        let text = await complaints.next()
        #expect(text.contains("127.0.0.1:\(broker.port) refuses messages on closed (Not authorized, reason 135)"))
        #expect(text.contains("must allow user \"bms\" to write it; 'bms-mqtt acl' prints the rules"))
        #expect(complaints.all.count == 1)
        harness.link.stop()
    }

    @Test(
        "a refused subscription is reported with filter, user and remedy, and the link goes on",
        .enabled(if: FileExists.check(plugin), "needs mosquitto's dynamic security plugin"))
    func subscribe() async {
        let folder = TemporaryFolder()
        // Clients without user are let in; they may receive and send, but subscribe to the open topic alone.
        folder.write(
            """
            {"defaultACLAccess":{"publishClientSend":true,"publishClientReceive":true,"subscribe":false,"unsubscribe":true},
             "anonymousGroup":"all","clients":[],"groups":[{"groupname":"all","roles":[{"rolename":"open"}]}],
             "roles":[{"rolename":"open","acls":[{"acltype":"subscribePattern","topic":"open","allow":true}]}]}
            """, "security.json")
        var options = BrokerFixture.Options()
        options.lines = ["plugin \(Self.plugin)", "plugin_opt_config_file \(folder.path)/security.json"]
        let broker = BrokerFixture(options)
        #expect(broker.start())
        let complaints = Complaints()
        let harness = LinkHarness(LinkConfiguration(broker), complaints)
        harness.link.subscribe([Subscription("bms/+/set/#", qos: 1), Subscription("open", qos: 1)])
        await harness.start()
        #expect(await harness.connected())
        let text = await complaints.next()
        #expect(text.contains("refuses the subscription to bms/+/set/#, so nothing of it is heard"))
        #expect(text.contains("must allow clients without user name to read it"))
        harness.link.publish(MQTTMessage("open", "still here", qos: 1))
        #expect(await harness.wait { !$0.messages.isEmpty })
        #expect(complaints.all.count == 1)
        harness.link.stop()
    }
}
