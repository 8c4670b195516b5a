import MQTT
import Mosquitto
import TestSupport
import TestThreads
import Testing

/// All sentences about a broker that the log can have, each with its situation: the reason codes of MQTT 5 by a scripted broker,
/// mosquitto's own answers by mosquitto.
@Suite("Sentences about the broker", .waits, .timeLimit(.minutes(10)))
struct SentenceTests {
    private func configuration(_ broker: ScriptedBroker) -> LinkConfiguration {
        var configuration = LinkConfiguration(host: "127.0.0.1", port: broker.port, clientID: "shed")
        configuration.username = "bms"
        configuration.password = "secret"
        return configuration
    }

    @Test(
        "a refused connection is reported with its cause and its remedy",
        arguments: [
            (128, "refused the connection and says no more"), (129, "could not read CONNECT"),
            (130, "breaks the protocol: try mqtt.protocol: 3.1.1"), (131, "by a rule of its own"),
            (133, "refused the client identifier \"shed\": set mqtt.clientId"),
            (134, "refused user \"bms\": check mqtt.username and the password"),
            (135, "refused user \"bms\": check mqtt.username and the password"),
            (136, "says that it is unavailable"), (137, "is busy"), (138, "has banned this client"),
            (140, "wants a way of logging in that this bridge does not know"),
            (144, "the topic of the will: check mqtt.base"),
            (149, "CONNECT is too large: raise its limit"), (151, "has no room for another connection now"),
            (153, "the form of the will's text"),
            (154, "allow retained messages (mosquitto: retain_available true)"),
            (155, "allow quality 1 (mosquitto: max_qos 1)"),
            (156, "another broker is to be used for now: name that in mqtt.host "),
            (157, "has moved: name its new address in mqtt.host "), (159, "takes no more connections at this pace"),
        ])
    func refusedConnection(reason: UInt8, words: String) async {
        let broker = ScriptedBroker(ScriptedBroker.Script(connack: [reason]))
        let harness = LinkHarness(configuration(broker))
        await harness.start()
        #expect(await harness.wait { !$0.failures.isEmpty })
        let text = await harness.failures.first?.description ?? ""
        #expect(text.contains(words) && text.contains("reason \(reason)"), "\(text)")
        #expect(text.hasPrefix("broker 127.0.0.1:\(broker.port) "))
        #expect(!text.contains("secret"))
        #expect(await harness.connections.isEmpty)
        harness.link.stop()
        broker.stop()
    }

    @Test(
        "an ended connection is reported with the broker's cause",
        arguments: [
            (128, "ended the connection and says no more"), (129, "could not read a packet"),
            (130, "a packet breaks the protocol"), (131, "by a rule of its own"), (135, "no longer allows this client"),
            (137, "is busy"), (139, "shuts down"), (141, "heard nothing for longer than mqtt.keepalive allows"),
            (
                142,
                "another client with the identifier \"shed\" took over: give each client, and each bridge, its own mqtt.clientId"
            ),
            (143, "takes no filter of this form"), (144, "takes no topic of this form"),
            (147, "got more messages at once than it takes"), (148, "names a topic alias as the cause"),
            (149, "raise its limit (mosquitto: max_packet_size)"), (150, "set publish.economy: low"),
            (151, "a quota of this client is used up"), (152, "was told by somebody who administers it"),
            (153, "the form of a message"), (154, "retain_available true"), (155, "mosquitto: max_qos 1"),
            (156, "another broker is to be used for now: name that in mqtt.host "),
            (157, "name its new address in mqtt.host "),
            (158, "no shared subscriptions"), (159, "takes no more connections at this pace"),
            (160, "ends each connection after a time"), (161, "no subscription identifiers"),
            (162, "no subscriptions with wildcards"),
        ])
    func endedConnection(reason: UInt8, words: String) async {
        let broker = ScriptedBroker(ScriptedBroker.Script(disconnect: reason))
        let harness = LinkHarness(configuration(broker))
        await harness.start()
        #expect(await harness.wait { !$0.failures.isEmpty })
        let failure = await harness.failures.first
        #expect(failure?.description.contains(words) == true, "\(failure?.description ?? "")")
        #expect(failure?.description.hasSuffix("(reason \(reason))") == true)
        #expect(failure?.operation == .session && failure?.isRetryable == true)
        harness.link.stop()
        broker.stop()
    }

    @Test(
        "a refused message is reported with topic, cause and the remedy of the cause; access rules are the remedy of one cause alone",
        arguments: [
            (128, "it says no more"), (131, "its log tells the cause"),
            (135, "must allow user \"bms\" to write it; 'bms-mqtt acl' prints the rules"),
            (144, "check mqtt.base"),
            (149, "topic and document have 5 bytes: raise its limit (mosquitto: max_packet_size, message_size_limit)"),
            (151, "a quota of user \"bms\" is used up"), (153, "its log tells the cause"),
        ])
    func refusedMessage(reason: UInt8, words: String) async {
        let broker = ScriptedBroker(ScriptedBroker.Script(puback: reason))
        let complaints = Complaints()
        let harness = LinkHarness(configuration(broker), complaints)
        await harness.start()
        #expect(await harness.connected())
        #expect(harness.link.publish(MQTTMessage("t", "1234", qos: 1)) == .queued)
        let text = await complaints.next()
        #expect(text.hasPrefix("broker 127.0.0.1:\(broker.port) refuses messages on t ("), "\(text)")
        #expect(text.contains("reason \(reason)): ") && text.contains(words), "\(text)")
        #expect(text.contains("'bms-mqtt acl'") == (reason == 135), "\(text)")
        #expect(await harness.wait { !$0.refusals.isEmpty })
        #expect(await harness.refusals == ["t refused"])
        harness.link.stop()
        broker.stop()
    }

    @Test(
        "a refused subscription is reported with filter, cause and the remedy of the cause",
        arguments: [
            (128, "it says no more"), (131, "its log tells the cause"),
            (135, "must allow user \"bms\" to read it; 'bms-mqtt acl' prints the rules"), (143, "check mqtt.base"),
            (151, "a quota of user \"bms\" is used up"), (158, "does not offer such subscriptions"),
            (161, "does not offer such subscriptions"), (162, "does not offer such subscriptions"),
        ])
    func refusedSubscription(reason: UInt8, words: String) async {
        let broker = ScriptedBroker(ScriptedBroker.Script(suback: reason))
        let complaints = Complaints()
        let harness = LinkHarness(configuration(broker), complaints)
        harness.link.subscribe([Subscription("bms/+/set/#", qos: 1)])
        await harness.start()
        let text = await complaints.next()
        #expect(text.contains("refuses the subscription to bms/+/set/#, so nothing of it is heard ("), "\(text)")
        #expect(text.contains("reason \(reason)): ") && text.contains(words), "\(text)")
        #expect(text.contains("'bms-mqtt acl'") == (reason == 135), "\(text)")
        harness.link.stop()
        broker.stop()
    }

    /// A connection to a mosquitto with one more line of configuration.
    private func limited(_ line: String) async -> (BrokerFixture, LinkHarness, Complaints) {
        var options = BrokerFixture.Options()
        options.lines = [line]
        let broker = BrokerFixture(options)
        #expect(broker.start())
        let complaints = Complaints()
        let harness = LinkHarness(LinkConfiguration(broker), complaints)
        await harness.start()
        #expect(await harness.connected())
        return (broker, harness, complaints)
    }

    @Test("a topic that the broker accepts again is reported")
    func takenAgain() async {
        let (broker, harness, complaints) = await limited("message_size_limit 100")
        defer { broker.stop() }
        harness.link.publish(MQTTMessage("t", String(repeating: "x", count: 200), qos: 1))
        let text = await complaints.next()
        #expect(text.contains("refuses messages on t (") && text.contains("have 201 bytes: raise its limit"), "\(text)")
        harness.link.publish(MQTTMessage("t", "x", qos: 1))
        #expect(await harness.wait { $0.refusals.count == 2 })
        #expect(await harness.refusals == ["t refused", "t taken"])
        harness.link.stop()
    }

    @Test(
        "a message above the broker's packet limit is reported with topic, size, limit and remedy, at once or after a wait",
        arguments: [false, true])
    func tooLarge(waits: Bool) async {
        let (broker, harness, complaints) = await limited("max_packet_size 2000")
        defer { broker.stop() }
        var message = MQTTMessage("t", String(repeating: "x", count: 3000), qos: 1)
        if waits { message.precedence = .large }
        let outcome = harness.link.publish(message)
        #expect(outcome == (waits ? .queued : .tooLarge))
        // Answers to these messages show that the line is wide, and then large messages go out.
        if waits {
            for _ in 0..<3 { harness.link.publish(MQTTMessage("u", String(repeating: "x", count: 1500), qos: 1)) }
        }
        let text = await complaints.next()
        #expect(
            text.contains(
                "takes no packet above 2000 bytes, so t is not sent: topic and document have 3001 bytes: raise its limit "
                    + "(mosquitto: max_packet_size"), "\(text)")
        #expect(text.contains("homeAssistant.discovery: entities") == waits)
        #expect(await harness.wait { $0.refusals == ["t refused"] })
        // A smaller message of the topic goes out.
        harness.link.publish(MQTTMessage("t", "x"))
        #expect(await harness.wait { $0.refusals == ["t refused", "t taken"] })
        harness.link.stop()
    }

    /// mosquitto 2.0.11 closes the older connection without a reason, on MQTT 5, too.
    @Test(
        "two clients with one identifier are recognised, by the pattern if the broker gives no reason",
        .enabled(if: BrokerFixture.isAvailable), arguments: [ProtocolPreference.v5, .v311])
    func takenOver(preference: ProtocolPreference) async {
        let broker = BrokerFixture()
        #expect(broker.start())
        var configuration = LinkConfiguration(broker, id: "same")
        configuration.protocolPreference = preference
        let (first, second) = (LinkHarness(configuration), LinkHarness(configuration))
        await first.start()
        #expect(await first.connected())
        await second.start()
        // On a busy machine a connection may last too long to count for the pattern. mosquitto 2.1 tells an MQTT 5 client the reason.
        let told = #""same" took over"#
        let found = await first.wait {
            $0.failures.contains {
                $0.description.contains("times one after the other") || $0.description.contains(told)
            }
        }
        #expect(found)
        let texts = await first.failures.map(\.description)
        if preference == .v311 || !texts.contains(where: { $0.contains(told) }) {
            #expect(texts[0].contains("stopped, restarted, or network lost"), "one loss says nothing of another client")
            #expect(texts.count >= 3 && texts.last?.contains("\"same\" takes over") == true, "\(texts)")
        }
        first.link.stop()
        second.link.stop()
    }
}
