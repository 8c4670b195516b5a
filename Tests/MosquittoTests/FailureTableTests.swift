import MQTT
import Glibc
import Mosquitto
import TestSupport
import TestThreads
import Testing

/// The eleven situations in which libmosquitto 2.0.11 fails when used as its manual suggests (CONTRIBUTING, traps), each
/// against a real broker.
@Suite(
    "Failure table", .waits, .timeLimit(.minutes(10)),
    .enabled(if: BrokerFixture.isAvailable, "needs mosquitto and openssl")
)
struct FailureTableTests {
    @Test("1: a broker that comes up later is found")
    func brokerComesLater() async {
        let broker = BrokerFixture()
        let harness = LinkHarness(LinkConfiguration(broker))
        await harness.start()
        #expect(await harness.wait { !$0.failures.isEmpty })
        #expect(await harness.failures.first?.description.contains("nobody listens") == true)
        #expect(broker.start())
        #expect(await harness.connected())
        harness.link.stop()
    }

    @Test("2: an unknown host is reported and tried again")
    func unknownHost() async {
        let harness = LinkHarness(LinkConfiguration(host: "no-such-host.invalid", clientID: "test"))
        await harness.start()
        #expect(await harness.wait { $0.failures.count >= 2 })
        let text = await harness.failures.first?.description ?? ""
        #expect(text.contains("no-such-host.invalid:1883"))
        #expect(text.contains("cannot be found"))
        harness.link.stop()
    }

    @Test("3: a wrong password is reported, tried again, and accepted once it is right")
    func wrongPassword() async {
        var options = BrokerFixture.Options()
        options.user = ("bms", "right")
        let broker = BrokerFixture(options)
        #expect(broker.start())
        var configuration = LinkConfiguration(broker)
        configuration.username = "bms"
        configuration.password = "new"
        let harness = LinkHarness(configuration)
        await harness.start()
        #expect(await harness.wait { !$0.failures.isEmpty })
        let failure = await harness.failures.first
        #expect(failure?.code == 135 || failure?.code == 134)
        #expect(failure?.description.contains("refused user \"bms\"") == true)
        #expect(failure?.description.contains("new") == false, "the password is not told")
        broker.setPassword("new")
        broker.signal(SIGHUP)
        #expect(await harness.connected())
        harness.link.stop()
    }

    @Test("4: a rejected certificate is reported and tried again")
    func wrongAuthority() async {
        var options = BrokerFixture.Options()
        options.certificates = Certificates()
        let broker = BrokerFixture(options)
        #expect(broker.start())
        var configuration = LinkConfiguration(broker)
        configuration.host = "localhost"
        configuration.tls = TLSConfiguration(caFile: Certificates().ca)
        let stranger = Certificates()
        configuration.tls = TLSConfiguration(caFile: stranger.ca)
        let harness = LinkHarness(configuration)
        await harness.start()
        #expect(await harness.wait { $0.failures.count >= 2 })
        #expect(await harness.failures.first?.description.contains("not trusted") == true)
        #expect(await harness.connections.isEmpty)
        harness.link.stop()
    }

    @Test("5: a TLS port that refuses needs no processor time and is connected later")
    func refusedTLSPort() async {
        var options = BrokerFixture.Options()
        let certificates = Certificates()
        options.certificates = certificates
        let broker = BrokerFixture(options)
        var configuration = LinkConfiguration(broker)
        configuration.host = "localhost"
        configuration.tls = TLSConfiguration(caFile: certificates.ca)
        let harness = LinkHarness(configuration)
        await harness.start()
        #expect(await harness.wait { $0.failures.count >= 2 })
        // Two failures with waits of 1 and 2 s; a busy loop would have made thousands.
        #expect(await harness.failures.count < 50)
        #expect(broker.start())
        #expect(await harness.connected())
        harness.link.stop()
    }

    @Test("6: a frozen broker is noticed by the keepalive, and no message is sent to it afterwards")
    func frozenBroker() async {
        let broker = BrokerFixture()
        #expect(broker.start())
        let harness = LinkHarness(LinkConfiguration(broker, keepalive: 5))
        await harness.start()
        #expect(await harness.connected())
        broker.suspend()
        // On a very busy machine the client's own ping may be late, and a connection may end before.
        #expect(await harness.wait { $0.failures.contains { $0.description.contains("does not answer") } })
        #expect(harness.link.publish(MQTTMessage("t", "stale")) == .notConnected)
        let before = await harness.connections.count
        broker.resume()
        #expect(await harness.connected(before + 1))
        harness.link.stop()
    }

    @Test("7: a server that accepts TCP and never answers is given up by the keepalive")
    func silentListener() async {
        let (listener, port) = FreePort.listener()
        defer { close(listener) }
        var configuration = LinkConfiguration(host: "127.0.0.1", port: port, clientID: "test")
        configuration.keepalive = 5
        let harness = LinkHarness(configuration)
        await harness.start()
        #expect(await harness.wait { !$0.failures.isEmpty })
        #expect(harness.link.publish(MQTTMessage("t", "x")) == .notConnected)
        harness.link.stop()
    }

    @Test("8: a broker that is killed and started again is found again")
    func restartedBroker() async {
        let broker = BrokerFixture()
        #expect(broker.start())
        let harness = LinkHarness(LinkConfiguration(broker))
        await harness.start()
        #expect(await harness.connected())
        broker.stop()
        #expect(await harness.wait { !$0.failures.isEmpty })
        #expect(broker.start())
        #expect(await harness.connected(2))
        harness.link.stop()
    }

    @Test("9: a message that is published while disconnected is never delivered")
    func nothingStale() async {
        let broker = BrokerFixture()
        #expect(broker.start())
        let harness = LinkHarness(LinkConfiguration(broker))
        await harness.start()
        #expect(await harness.connected())
        broker.stop()
        #expect(await harness.wait { !$0.failures.isEmpty })
        for index in 0..<14 {
            #expect(harness.link.publish(MQTTMessage("t", "stale \(index)", qos: 1)) == .notConnected)
        }
        #expect(broker.start())
        let watcher = LinkHarness(LinkConfiguration(broker, id: "watcher"))
        watcher.link.subscribe([Subscription("t", qos: 1)])
        await watcher.start()
        #expect(await watcher.connected())
        #expect(await harness.connected(2))
        #expect(harness.link.publish(MQTTMessage("t", "fresh", qos: 1)) == .queued)
        #expect(await watcher.wait { !$0.messages.isEmpty })
        #expect(await watcher.messages.map(\.text) == ["fresh"])
        harness.link.stop()
        watcher.link.stop()
    }

    @Test("10: no message is sent between the TCP connection and the broker's acceptance")
    func beforeAcceptance() async {
        let (listener, port) = FreePort.listener()
        defer { close(listener) }
        let harness = LinkHarness(LinkConfiguration(host: "127.0.0.1", port: port, clientID: "test"))
        await harness.start()
        var entry = pollfd(fd: listener, events: Int16(POLLIN), revents: 0)
        #expect(poll(&entry, 1, 10_000) == 1, "the link has opened a TCP connection")
        #expect(harness.link.publish(MQTTMessage("t", "early")) == .notConnected)
        #expect(!harness.link.isConnected)
        harness.link.stop()
    }

    @Test("11: stop returns at once with a frozen broker, and while waiting to try again")
    func promptStop() async {
        let broker = BrokerFixture()
        #expect(broker.start())
        let harness = LinkHarness(LinkConfiguration(broker))
        await harness.start()
        #expect(await harness.connected())
        broker.suspend()
        let clock = ContinuousClock()
        #expect(clock.measure { harness.link.stop(farewell: [MQTTMessage("t", "bye", qos: 1)]) } < .seconds(2))
        broker.stop()
        let waiting = LinkHarness(LinkConfiguration(broker))
        await waiting.start()
        #expect(await waiting.wait { !$0.failures.isEmpty })
        #expect(clock.measure { waiting.link.stop() } < .seconds(1))
    }
}
