import Glibc
import LinuxIO
import MQTT
import TestSupport
import TestThreads
import Testing

@testable import Mosquitto

/// Several brokers in order of preference, with real ones.
@Suite(
    "Several brokers", .waits, .timeLimit(.minutes(10)),
    .enabled(if: BrokerFixture.isAvailable, "needs mosquitto and openssl"))
struct FailoverTests {
    private func configuration(_ ports: Int..., look: Double = 0.3) -> LinkConfiguration {
        var configuration = LinkConfiguration(host: "127.0.0.1", port: ports[0], clientID: "bridge")
        configuration.others = ports.dropFirst().map { BrokerAddress(host: "127.0.0.1", port: $0) }
        configuration.lookInterval = look
        configuration.will = MQTTMessage("status", "offline", qos: 1, retain: true)
        return configuration
    }

    /// A client of a broker that hears the status there.
    private func watcher(_ broker: BrokerFixture) async -> LinkHarness {
        let watcher = LinkHarness(LinkConfiguration(broker, id: "watcher"))
        watcher.link.subscribe([Subscription("status", qos: 1)])
        await watcher.start()
        _ = await watcher.connected()
        return watcher
    }

    @Test("A broker that is not there is passed over without a wait")
    func passedOver() async {
        let (first, second) = (BrokerFixture(), BrokerFixture())
        #expect(second.start())
        let harness = LinkHarness(configuration(first.port, second.port, look: 600))
        await harness.start()
        #expect(await harness.connected())
        #expect(await harness.places == [1])
        let failure = await harness.failures.first
        #expect(failure?.retryIn == 0 && failure?.next == BrokerAddress(host: "127.0.0.1", port: second.port))
        #expect(failure?.outlook == "127.0.0.1:\(second.port) is tried now")
        #expect(failure?.description.hasPrefix("broker 127.0.0.1:\(first.port): nobody listens") == true)
        #expect(harness.link.broker.port == second.port)
        harness.link.stop()
    }

    @Test("When a broker is killed the next one serves at once, and nothing published before is sent there")
    func killed() async {
        let (first, second) = (BrokerFixture(), BrokerFixture())
        #expect(first.start() && second.start())
        let harness = LinkHarness(configuration(first.port, second.port, look: 600))
        await harness.start()
        #expect(await harness.connected())
        harness.link.publish(MQTTMessage("status", "old", qos: 1, retain: true))
        let watcher = await watcher(second)
        first.stop()
        #expect(await harness.connected(2))
        #expect(await harness.places == [0, 1])
        #expect(await harness.failures.allSatisfy { $0.retryIn == 0 }, "no pause within a round")
        harness.link.publish(MQTTMessage("status", "new", qos: 1, retain: true))
        #expect(await watcher.wait { !$0.messages.isEmpty })
        #expect(await watcher.messages.map(\.text) == ["new"])
        for harness in [harness, watcher] { harness.link.stop() }
    }

    @Test(
        "A connection that is told to send its will is back at once; one that ends with it does not come back",
        arguments: [ProtocolPreference.v5, .v311])
    func willOnDemand(version: ProtocolPreference) async {
        let broker = BrokerFixture()
        #expect(broker.start())
        let watcher = await watcher(broker)
        var configuration = configuration(broker.port)
        configuration.protocolPreference = version
        let harness = LinkHarness(configuration)
        // Without a connection there is no will to send.
        harness.link.sendWill()
        await harness.start()
        #expect(await harness.connected())
        harness.link.sendWill()
        #expect(await harness.connected(2))
        #expect(await watcher.wait { $0.messages.count == 1 })
        let failure = await harness.failures.first
        #expect(failure?.retryIn == 0 && failure?.description.contains("sends its will") == true)
        harness.link.beginStopWithWill()
        harness.link.stop()
        #expect(await watcher.wait { $0.messages.count == 2 })
        #expect(await watcher.messages.allSatisfy { $0.topic == "status" && $0.text == "offline" })
        #expect(await harness.connections.count == 2)
        watcher.link.stop()
    }

    @Test(
        "A first broker that is back is served again; the other one publishes the will, and before that the session there has ended"
    )
    func back() async {
        let (first, second) = (BrokerFixture(), BrokerFixture())
        #expect(second.start())
        let harness = LinkHarness(configuration(first.port, second.port))
        await harness.start()
        #expect(await harness.connected())
        harness.link.publish(MQTTMessage("status", "online", qos: 1, retain: true))
        let watcher = await watcher(second)
        #expect(await watcher.wait { !$0.messages.isEmpty })
        #expect(first.start())
        #expect(await harness.connected(2))
        #expect(await harness.places == [1, 0])
        #expect(await watcher.wait { $0.messages.count == 2 })
        #expect(await watcher.messages.map(\.text) == ["online", "offline"])
        let left = await harness.failures.last
        #expect(left?.description.contains("is left, because the first broker of the list listens again") == true)
        #expect(left?.retryIn == 0)
        for harness in [harness, watcher] { harness.link.stop() }
    }

    @Test("In MQTT 3.1.1, too, the broker that is left publishes the will")
    func backInOldMQTT() async {
        let (first, second) = (BrokerFixture(), BrokerFixture())
        #expect(second.start())
        var configuration = configuration(first.port, second.port)
        configuration.protocolPreference = .v311
        let harness = LinkHarness(configuration)
        await harness.start()
        #expect(await harness.connected())
        let watcher = await watcher(second)
        #expect(first.start())
        #expect(await harness.connected(2))
        #expect(await watcher.wait { !$0.messages.isEmpty })
        #expect(await watcher.messages.map(\.text) == ["offline"])
        for harness in [harness, watcher] { harness.link.stop() }
    }

    @Test("A first broker that listens and hangs costs one short try, and then a longer time passes before the next")
    func hangs() async {
        let (listener, port) = FreePort.listener()
        defer { close(listener) }
        let second = BrokerFixture()
        #expect(second.start())
        var configuration = configuration(port, second.port)
        configuration.keepalive = 300
        let harness = LinkHarness(configuration)
        await harness.start()
        // At the start, and after the first return.
        #expect(await harness.connected(2))
        #expect(await harness.places.allSatisfy { $0 == 1 })
        #expect(await harness.failures.allSatisfy { $0.retryIn == 0 })
        let texts = await harness.failures.map(\.description)
        #expect(texts.count >= 3 && texts[0].contains("does not answer"), "\(texts)")
        harness.link.stop()
    }

    @Test("A first broker that refuses is left alone for longer and longer, and the other serves at once")
    func refuses() async {
        let first = ScriptedBroker(ScriptedBroker.Script(connack: [135]))
        let second = BrokerFixture()
        #expect(second.start())
        let harness = LinkHarness(configuration(first.port, second.port, look: 0.1))
        await harness.start()
        #expect(await harness.connected(4))
        #expect(await harness.places.allSatisfy { $0 == 1 })
        #expect(await harness.failures.allSatisfy { $0.retryIn == 0 })
        harness.link.stop()
        first.stop()
    }

    @Test("What one broker cannot do is not taken for a fault of the other", arguments: [true, false])
    func ownKnowledge(isFirstOld: Bool) async {
        var old = ScriptedBroker.Script(connack: [132])
        old.acceptsOld = true
        let first = ScriptedBroker(isFirstOld ? old : ScriptedBroker.Script(connack: [155]))
        let second = BrokerFixture()
        #expect(second.start())
        let harness = LinkHarness(configuration(first.port, second.port, look: 600))
        await harness.start()
        #expect(await harness.connected())
        first.stop()
        #expect(await harness.wait { $0.places.last == 1 })
        #expect(await harness.connections.last == .v5)
        let note = await harness.lastNote
        #expect(note == nil, "nothing is lost at a whole broker")
        harness.link.stop()
    }

    @Test("A link that is steered stays at its broker, and leaves the one before with its will")
    func steered() async {
        let (first, second) = (BrokerFixture(), BrokerFixture())
        #expect(first.start() && second.start())
        let harness = LinkHarness(configuration(first.port, second.port))
        await harness.start()
        #expect(await harness.connected())
        let watcher = await watcher(first)
        harness.link.steer(to: 1)
        #expect(await harness.connected(2))
        #expect(await harness.places == [0, 1])
        #expect(await watcher.wait { !$0.messages.isEmpty })
        #expect(await watcher.messages.map(\.text) == ["offline"])
        #expect(await harness.failures.last?.description.contains("because the bridge is at") == true)
        // No look for the first broker, and no other broker after a loss.
        second.stop()
        #expect(await harness.wait { $0.failures.count >= 3 })
        #expect(second.start())
        #expect(await harness.connected(3))
        #expect(await harness.places == [0, 1, 1])
        for harness in [harness, watcher] { harness.link.stop() }
    }

    @Test("A frozen broker is left within 20 s where there is another one and the line was quick")
    func frozen() async {
        let (first, second) = (BrokerFixture(), BrokerFixture())
        #expect(first.start() && second.start())
        var configuration = configuration(first.port, second.port, look: 600)
        // Only the receipts can show it in time.
        configuration.keepalive = 300
        let harness = LinkHarness(configuration)
        await harness.start()
        #expect(await harness.connected())
        #expect(await harness.becomesQuick())
        first.suspend()
        let start = MonotonicTime.seconds()
        // So many bytes ask for a receipt.
        harness.link.publish(MQTTMessage("filler", [UInt8](repeating: 120, count: 2_500)))
        #expect(await harness.connected(2))
        let seconds = MonotonicTime.seconds() - start
        #expect(seconds >= 11 && seconds < 20, "\(seconds) s")
        harness.link.stop()
    }

    @Test("A password refused by one broker does not hold up the other, and no broker is tried twice within a round")
    func oneSession() async {
        let scripts = [135, 138].map { ScriptedBroker(ScriptedBroker.Script(connack: [UInt8($0)])) }
        let harness = LinkHarness(configuration(scripts[0].port, scripts[1].port))
        await harness.start()
        #expect(await harness.wait { $0.failures.count >= 3 })
        let waits = await harness.failures.prefix(3).map(\.retryIn)
        #expect(waits[0] == 0 && waits[1] == 8 && waits[2] == 0, "a ban asks for the long pause: \(waits)")
        harness.link.stop()
        for script in scripts { script.stop() }
    }
}
