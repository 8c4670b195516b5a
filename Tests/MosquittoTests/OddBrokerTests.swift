import Glibc
import MQTT
import LinuxIO
import TestSupport
import TestThreads
import Testing

@testable import Mosquitto

/// Brokers that keep to MQTT 5 in ways that are rare, or hardly at all.
@Suite("Odd brokers", .waits, .timeLimit(.minutes(10)))
struct OddBrokerTests {
    private func configuration(_ broker: ScriptedBroker, keepalive: Int = 5) -> LinkConfiguration {
        var configuration = LinkConfiguration(host: "127.0.0.1", port: broker.port, clientID: "bridge")
        configuration.keepalive = keepalive
        return configuration
    }

    @Test("A broker that never answers CONNECT in MQTT 5 is served in 3.1.1 with the third try, and the log says so")
    func silent() async {
        var script = ScriptedBroker.Script()
        (script.isSilentIn5, script.acceptsOld) = (true, true)
        let broker = ScriptedBroker(script)
        let harness = LinkHarness(configuration(broker, keepalive: 300))
        await harness.start()
        #expect(await harness.connected())
        #expect(broker.versions == [5, 5, 4])
        #expect(await harness.connections == [.v311])
        let texts = await harness.failures.map(\.description)
        #expect(texts.count == 2 && texts[1].contains("does not answer in MQTT 5"), "\(texts)")
        #expect(texts.last?.contains("3.1.1 is tried next (mqtt.protocol: 3.1.1 saves this wait)") == true)
        #expect(await harness.lastNote?.hasPrefix("answered in MQTT 3.1.1 and not in MQTT 5") == true)
        harness.link.stop()
        broker.stop()
    }

    @Test("A broker that takes longer than the keepalive to accept a connection is not taken to be gone")
    func slow() async {
        var script = ScriptedBroker.Script()
        script.thinks = 7
        let broker = ScriptedBroker(script)
        let harness = LinkHarness(configuration(broker))
        await harness.start()
        #expect(await harness.connected())
        #expect(broker.versions == [5])
        #expect(await harness.failures.isEmpty)
        harness.link.stop()
        broker.stop()
    }

    @Test("A broker of MQTT 3.1.1 that ends connections at a large message is taken to refuse its size the second time")
    func packetLimit() async {
        var script = ScriptedBroker.Script()
        (script.connack, script.acceptsOld, script.largestBody) = ([132], true, 5_000)
        let broker = ScriptedBroker(script)
        let harness = LinkHarness(configuration(broker))
        await harness.start()
        for count in 1...2 {
            #expect(await harness.connected(count))
            // A large message waits for a quick line.
            #expect(await harness.becomesQuick())
            let payload = [UInt8](repeating: 32, count: 9_000)
            harness.link.publish(MQTTMessage("homeassistant/x", payload, qos: 1, precedence: .large))
            #expect(await harness.wait { $0.failures.count >= count })
        }
        let failures = await harness.failures
        #expect(failures.map(\.isOfSize) == [false, true])
        #expect(failures.last?.description.contains("it goes in pieces from now on") == true)
        harness.link.stop()
        broker.stop()
    }

    @Test("A large message is suspected only if connections in a row end at it")
    func largeEnds() {
        var knowledge = BrokerKnowledge(.automatic)
        var ends: [Bool] = []
        for owesLarge in [true, false, true, true, true] { ends.append(knowledge.noteEnd(owesLarge: owesLarge)) }
        #expect(ends == [false, false, false, true, true])
    }

    @Test("A refusal in MQTT 3.1.1 leads back to MQTT 5, and one more silence there is enough")
    func refusedInOld() {
        var knowledge = BrokerKnowledge(.automatic)
        _ = (knowledge.noteSilence(), knowledge.noteSilence())
        #expect(knowledge.isOldBySilence)
        knowledge.version = .v311
        knowledge.noteRefused(.automatic)
        #expect(knowledge.version == .v5)
        let again = knowledge.noteSilence()
        #expect(again)
        var fixed = BrokerKnowledge(.v311)
        fixed.noteRefused(.v311)
        #expect(fixed.version == .v311)
    }

    @Test("The address that answered is known in figures, and a connection that is gone has none")
    func peer() {
        let (listener, port) = FreePort.listener()
        guard
            case .connected(let descriptor) = TCPDialer.dial(
                host: "localhost", port: port, seconds: 5, stop: EventDescriptor())
        else {
            Issue.record("no connection to localhost")
            return
        }
        #expect(TCPDialer.peer(of: descriptor) == "127.0.0.1")
        close(descriptor)
        close(listener)
        #expect(TCPDialer.peer(of: -1) == nil)
    }

    @Test("Silence is forgotten by an answer; a broker that knows MQTT 5 is not taken for an old one soon")
    func knowledge() {
        var knowledge = BrokerKnowledge(.automatic)
        let first = [knowledge.noteSilence(), knowledge.noteSilence()]
        #expect(first == [false, true])
        knowledge.version = .v311
        knowledge.noteAccepted(after: 60)
        knowledge.version = .v5
        let again = knowledge.noteSilence()
        #expect(again, "it was silent before")
        knowledge.noteAccepted(after: 60)
        let silences = (1...6).map { _ in knowledge.noteSilence() }
        #expect(silences == [false, false, false, false, false, true])
    }

    @Test("A broker that acknowledges nothing gets what it can, and one that acknowledges again is measured again")
    func receiptsAgain() {
        var throughput = LinkThroughput()
        throughput.limit(to: 4)
        throughput.giveUp()
        #expect(throughput.isGivenUp && throughput.hasQuota(pending: 1) && !throughput.hasQuota(pending: 2))
        #expect(throughput.next(isOverdue: false, at: 0).isGivenUp)
        throughput.noteAcknowledgement()
        #expect(!throughput.isGivenUp && throughput.isSlow && throughput.isNarrow == nil)
        #expect(!throughput.hasQuota(pending: 2), "the broker's bound stays")
        throughput.sent(100, receipt: 7, at: 5)
        throughput.noteAcknowledgement()
        #expect(throughput.nextReceipt == 7, "nothing is forgotten where nothing was given up")
    }

    @Test("QoS 1 messages reach a broker that never acknowledges one, beyond the library's quota")
    func neverAcknowledged() async {
        var script = ScriptedBroker.Script()
        script.acknowledges = false
        let broker = ScriptedBroker(script)
        let harness = LinkHarness(configuration(broker))
        await harness.start()
        #expect(await harness.connected())
        // The first connection ends without a receipt after 25 s, and the broker is asked for none any more.
        harness.link.publish(MQTTMessage("first", "", qos: 1))
        #expect(await harness.connected(2))
        for number in 0..<60 { harness.link.publish(MQTTMessage("sure", "\(number)", qos: 1)) }
        let isWhole = broker.wait { broker.published.count { $0.topic == "sure" } == 60 }
        #expect(isWhole)
        harness.link.stop()
        broker.stop()
    }

    @Test("A broker that hangs up is asked in MQTT 3.1.1 now and then; one that knows MQTT 5 seldom")
    func hangUps() {
        var knowledge = BrokerKnowledge(.automatic)
        let unknown = (1...6).map { _ in knowledge.noteHangUp() }
        #expect(unknown == [false, true, false, true, false, true])
        knowledge.noteAccepted(after: 60)
        let known = (1...12).map { _ in knowledge.noteHangUp() }
        #expect(known == (1...12).map { $0 % 6 == 0 })
    }

    @Test("With receive maximum 1, one message after the other is sent, and none is lost")
    func receiveMaximum() async {
        var script = ScriptedBroker.Script()
        script.properties = [0x21, 0, 1]
        let broker = ScriptedBroker(script)
        let harness = LinkHarness(configuration(broker))
        await harness.start()
        #expect(await harness.connected())
        for number in 0..<20 {
            harness.link.publish(MQTTMessage("newest", "\(number)"))
            harness.link.publish(MQTTMessage("sure", "\(number)", qos: 1))
        }
        harness.link.publish(MQTTMessage("end", "end", qos: 1))
        let isWhole = broker.wait { broker.published.contains { $0.topic == "end" } }
        #expect(isWhole)
        func numbers(_ topic: String) -> [Int] {
            broker.published.filter { $0.topic == topic }.compactMap {
                Int(String(decoding: $0.payload, as: UTF8.self))
            }
        }
        #expect(numbers("sure") == Array(0..<20))
        // Of a topic with quality 0 the newest may take the place of older ones, and no older one comes after it.
        let newest = numbers("newest")
        #expect(newest.last == 19 && newest == newest.sorted(), "\(newest)")
        harness.link.stop()
        broker.stop()
    }

    @Test(
        "A broker that offers topic aliases gets whole topics, and a message that uses one without right does no harm")
    func topicAlias() async {
        var script = ScriptedBroker.Script()
        script.properties = [0x22, 0, 10]
        // A PUBLISH without topic, with alias 1: this bridge allowed none.
        script.greeting = [0x30, 7, 0, 0, 3, 0x23, 0, 1, 0x78]
        let broker = ScriptedBroker(script)
        let harness = LinkHarness(configuration(broker))
        harness.link.subscribe([Subscription("#")])
        await harness.start()
        #expect(await harness.connected())
        harness.link.publish(MQTTMessage("a/b", "1", qos: 1))
        _ = broker.wait { !broker.published.isEmpty || broker.versions.count > 1 }
        #expect(broker.published.allSatisfy { $0.topic == "a/b" })
        #expect(await harness.messages.isEmpty)
        harness.link.stop()
        broker.stop()
    }

    @Test("The keepalive is that of the broker, where the broker asks for one")
    func serverKeepalive() async {
        var script = ScriptedBroker.Script()
        script.properties = [0x13, 0, 1]
        let broker = ScriptedBroker(script)
        let harness = LinkHarness(configuration(broker, keepalive: 300))
        await harness.start()
        #expect(await harness.connected())
        let isAlive = broker.wait { broker.pingCount >= 2 }
        #expect(isAlive)
        harness.link.stop()
        broker.stop()
    }
}

@Suite("Knowledge of several brokers")
struct LinkStateTests {
    @Test("Line, note and probation belong to one broker, and are there again when the link returns to it")
    func turn() {
        var state = LinkCore.State()
        state.note = "keeps nothing"
        state.line.throughput.giveUp()
        state.turn(to: 1)
        #expect(state.note.isEmpty && !state.line.throughput.isGivenUp && state.place == 1)
        state.turn(to: 0)
        #expect(state.note == "keeps nothing" && state.line.throughput.isGivenUp)
    }

    @Test("A broker that the owner does not want is left, and a new attempt forgets the order to leave")
    func leave() {
        var state = LinkCore.State()
        #expect(!state.mustLeave)
        state.wanted = 1
        #expect(state.mustLeave)
        state.turn(to: 1)
        #expect(!state.mustLeave)
    }
}
