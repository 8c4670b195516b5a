import MQTT
import LinuxIO
import Glibc
import Mosquitto
import TestSupport
import TestThreads
import Testing

@Suite(
    "Link to a real broker", .waits, .timeLimit(.minutes(10)),
    .enabled(if: BrokerFixture.isAvailable, "needs mosquitto and openssl"))
struct LinkTests {
    @Test("a retained message carries its expiry to a later subscriber")
    func expiry() async {
        let broker = BrokerFixture()
        #expect(broker.start())
        let sender = LinkHarness(LinkConfiguration(broker, id: "sender"))
        await sender.start()
        #expect(await sender.connected())
        #expect(await sender.connections == [.v5])
        sender.link.publish(MQTTMessage("limits", "55.2", qos: 1, retain: true, expiry: 30))
        let reader = LinkHarness(LinkConfiguration(broker, id: "reader"))
        reader.link.subscribe([Subscription("limits")])
        await reader.start()
        #expect(await reader.wait { !$0.messages.isEmpty })
        let message = await reader.messages.first
        #expect(message?.retain == true)
        #expect((1...30).contains(message?.expiry ?? 0))
        for harness in [sender, reader] { harness.link.stop() }
    }

    @Test("the last messages arrive before a clean end, and the will does not")
    func farewell() async {
        let broker = BrokerFixture()
        #expect(broker.start())
        let reader = LinkHarness(LinkConfiguration(broker, id: "reader"))
        reader.link.subscribe([Subscription("status", qos: 1), Subscription("end", qos: 1)])
        await reader.start()
        #expect(await reader.connected())
        var configuration = LinkConfiguration(broker, id: "leaving")
        configuration.will = MQTTMessage("status", "died", qos: 1, retain: true)
        let harness = LinkHarness(configuration)
        await harness.start()
        #expect(await harness.connected())
        harness.link.stop(farewell: [MQTTMessage("status", "offline", qos: 1, retain: true)])
        #expect(await reader.wait { !$0.messages.isEmpty })
        let marker = LinkHarness(LinkConfiguration(broker, id: "marker"))
        await marker.start()
        #expect(await marker.connected())
        marker.link.publish(MQTTMessage("end", "end", qos: 1))
        #expect(await reader.wait { $0.messages.contains { $0.topic == "end" } })
        #expect(await reader.messages.map(\.text) == ["offline", "end"])
        for harness in [reader, marker] { harness.link.stop() }
    }

    @Test("TLS with an own authority and a client certificate")
    func clientCertificate() async {
        var options = BrokerFixture.Options()
        let certificates = Certificates()
        options.certificates = certificates
        options.requiresCertificate = true
        let broker = BrokerFixture(options)
        #expect(broker.start())
        var configuration = LinkConfiguration(broker)
        configuration.host = "localhost"
        configuration.tls = TLSConfiguration(
            caFile: certificates.ca, certificateFile: certificates.client, keyFile: certificates.clientKey)
        let harness = LinkHarness(configuration)
        await harness.start()
        #expect(await harness.connected())
        harness.link.stop()
        configuration.tls = TLSConfiguration(caFile: certificates.ca)
        let without = LinkHarness(configuration)
        await without.start()
        #expect(await without.wait { !$0.failures.isEmpty })
        #expect(await without.connections.isEmpty)
        without.link.stop()
    }

    @Test("a certificate for another host name is refused")
    func wrongHostName() async {
        var options = BrokerFixture.Options()
        let certificates = Certificates(serverName: "DNS:elsewhere.example")
        options.certificates = certificates
        let broker = BrokerFixture(options)
        #expect(broker.start())
        var configuration = LinkConfiguration(broker)
        configuration.host = "localhost"
        configuration.tls = TLSConfiguration(caFile: certificates.ca)
        let harness = LinkHarness(configuration)
        await harness.start()
        #expect(await harness.wait { !$0.failures.isEmpty })
        #expect(await harness.connections.isEmpty)
        #expect(await harness.failures.first?.description.contains("certificate") == true)
        harness.link.stop()
    }

    @Test("missing TLS files are named")
    func missingFiles() async {
        let broker = BrokerFixture()
        #expect(broker.start())
        var configuration = LinkConfiguration(broker)
        configuration.tls = TLSConfiguration(caFile: "/nonexistent/ca.crt")
        let harness = LinkHarness(configuration)
        await harness.start()
        #expect(await harness.wait { !$0.failures.isEmpty })
        #expect(await harness.failures.first?.description.contains("/nonexistent/ca.crt") == true)
        harness.link.stop()
    }

    @Test(
        "a subscription has its quality on MQTT 5, and quality 0 on 3.1.1", arguments: [ProtocolPreference.v5, .v311])
    func quality(version: ProtocolPreference) async {
        let broker = BrokerFixture()
        #expect(broker.start())
        var configuration = LinkConfiguration(broker)
        configuration.protocolPreference = version
        let harness = LinkHarness(configuration)
        harness.link.subscribe([Subscription("t", qos: 1)])
        await harness.start()
        #expect(await harness.connected())
        harness.link.publish(MQTTMessage("t", "x", qos: 1))
        #expect(await harness.wait { !$0.messages.isEmpty })
        #expect(await harness.messages.map(\.qos) == [version == .v5 ? 1 : 0])
        harness.link.stop()
    }

    @Test("an MQTT 5 broker sends no message above the bound, because it knows the bound")
    func oversized() async {
        let broker = BrokerFixture()
        #expect(broker.start())
        var configuration = LinkConfiguration(broker)
        configuration.maximumPacket = 100
        let harness = LinkHarness(configuration)
        harness.link.subscribe([Subscription("t", qos: 1)])
        await harness.start()
        #expect(await harness.connected())
        harness.link.publish(MQTTMessage("t", String(repeating: "x", count: 101), qos: 1))
        harness.link.publish(MQTTMessage("t", "small", qos: 1))
        #expect(await harness.wait { !$0.messages.isEmpty })
        #expect(await harness.messages.map(\.text) == ["small"])
        #expect(await harness.connections.count == 1)
        harness.link.stop()
    }

    @Test("a live message shows the sender's retain flag if the subscription asks for it")
    func retainAsPublished() async {
        let broker = BrokerFixture()
        #expect(broker.start())
        let harness = LinkHarness(LinkConfiguration(broker))
        harness.link.subscribe([
            Subscription("plain", qos: 1), Subscription("asked", qos: 1, retainAsPublished: true),
        ])
        await harness.start()
        #expect(await harness.connected())
        harness.link.publish(MQTTMessage("plain", "1", qos: 1, retain: true))
        harness.link.publish(MQTTMessage("asked", "2", qos: 1, retain: true))
        harness.link.publish(MQTTMessage("asked", "3", qos: 1))
        #expect(await harness.wait { $0.messages.count == 3 })
        #expect(await harness.messages.map(\.retain) == [false, true, false])
        harness.link.stop()
    }

    @Test("a message with response topic and correlation data can be answered")
    func correlation() async throws {
        let broker = BrokerFixture()
        #expect(broker.start())
        let harness = LinkHarness(LinkConfiguration(broker))
        harness.link.subscribe([Subscription("ask", qos: 1)])
        await harness.start()
        #expect(await harness.connected())
        let program = try #require(ProgramStart.find("mosquitto_rr"))
        let asker = try #require(
            ChildProcess(
                program,
                [
                    "-h", "127.0.0.1", "-p", "\(broker.port)", "-V", "5", "-t", "ask", "-e", "answer", "-m", "?", "-q",
                    "1",
                    "-D", "publish", "correlation-data", "abc", "-W", "60",
                ]))
        #expect(await harness.wait { !$0.messages.isEmpty })
        let question = try #require(await harness.messages.first)
        #expect(question.responseTopic == "answer")
        #expect(question.correlationData == Array("abc".utf8))
        var answer = MQTTMessage("answer", "yes", qos: 1)
        answer.correlationData = question.correlationData
        harness.link.publish(answer)
        #expect(asker.read(until: "yes").contains("yes"))
        harness.link.stop()
    }

    @Test("forty links leave no descriptors behind")
    func noLeak() async {
        let broker = BrokerFixture()
        #expect(broker.start())
        func cycle() async {
            let harness = LinkHarness(LinkConfiguration(broker))
            await harness.start()
            _ = await harness.connected()
            harness.link.stop()
        }
        await cycle()
        // Other suites open and close descriptors at the same time; forty leaks would still stand out.
        let before = Descriptors.count
        for _ in 0..<40 { await cycle() }
        #expect(Descriptors.count < before + 40)
    }

    @Test("messages for a broker that hangs are bounded, and publishing to it does not block")
    func bounded() async {
        let broker = BrokerFixture()
        #expect(broker.start())
        let harness = LinkHarness(LinkConfiguration(broker))
        await harness.start()
        #expect(await harness.connected())
        broker.suspend()
        let payload = [UInt8](repeating: 0, count: 1 << 20)
        // Sockets take some megabytes, and the link 32 more. Of a single topic only the newest message would wait.
        let outcomes = (0..<64).map { harness.link.publish(MQTTMessage("t/\($0)", payload)) }
        #expect(outcomes.first == .queued)
        #expect(outcomes.last == .full)
        #expect(harness.link.droppedMessages > 0)
        harness.link.stop()
    }

    @Test(
        "while a broker reads nothing, only the newest message of each topic waits, and urgent ones arrive first")
    func newest() async {
        var options = BrokerFixture.Options()
        // mosquitto 2.1 takes 2 MB unless told otherwise.
        options.lines = ["max_packet_size 20000000"]
        let broker = BrokerFixture(options)
        #expect(broker.start())
        let reader = LinkHarness(LinkConfiguration(broker, id: "reader"))
        reader.link.subscribe([Subscription("#", qos: 1)])
        await reader.start()
        let writer = LinkHarness(LinkConfiguration(broker, id: "writer"))
        await writer.start()
        #expect(await reader.connected())
        #expect(await writer.connected())
        broker.suspend()
        // The message is larger than all sockets take.
        let filler = MQTTMessage("filler", [UInt8](repeating: 0, count: 16 << 20), qos: 1)
        #expect(writer.link.publish(filler) == .queued)
        for number in 0..<100 {
            let payload = Array("\(number)".utf8)
            #expect(writer.link.publish(MQTTMessage("limits", payload)) == .queued)
            let urgent = MQTTMessage("gx", payload, precedence: .first)
            #expect(writer.link.publish(urgent) == .queued)
        }
        broker.resume()
        #expect(await reader.wait { $0.messages.contains { $0.topic == "limits" } })
        let seen = await reader.messages.filter { $0.topic != "filler" }.map {
            "\($0.topic) \(String(decoding: $0.payload, as: UTF8.self))"
        }
        #expect(seen == ["gx 99", "limits 99"])
        writer.link.stop()
        reader.link.stop()
    }

    @Test("the first acknowledgement measures the line, and then large subscriptions are sent")
    func firstAcknowledgement() async {
        let broker = BrokerFixture()
        #expect(broker.start())
        let harness = LinkHarness(LinkConfiguration(broker))
        harness.link.subscribe([Subscription("small"), Subscription("large", isLarge: true)])
        await harness.start()
        #expect(await harness.connected())
        // No message that the broker would have to acknowledge was sent before.
        harness.link.publish(MQTTMessage("large", "unheard", retain: false))
        #expect(await harness.wait { $0.lineReports == [true] })
        // The link's own subscription went out before this message.
        harness.link.publish(MQTTMessage("large", "heard"))
        #expect(await harness.wait { $0.messages.contains { $0.topic == "large" } })
        #expect(await harness.messages.map(\.text) == ["heard"])
        harness.link.stop()
    }

    private static var qualityZeroAlone: BrokerFixture.Options {
        var options = BrokerFixture.Options()
        options.lines = ["max_qos 0"]
        return options
    }

    @Test("a broker with quality 0 alone gets all messages with it, and none is held back for lack of receipts")
    func qualityZero() async {
        let broker = BrokerFixture(Self.qualityZeroAlone)
        #expect(broker.start())
        let harness = LinkHarness(LinkConfiguration(broker))
        harness.link.subscribe([Subscription("t/#"), Subscription("large", isLarge: true)])
        await harness.start()
        #expect(await harness.connected())
        for number in 1...3 {
            #expect(harness.link.publish(MQTTMessage("t/\(number)", "x", qos: number % 2)) == .queued)
        }
        #expect(await harness.wait { $0.messages.count == 3 && $0.lineReports == [true] })
        // The next connection knows the line from its beginning, without a message.
        broker.stop()
        #expect(broker.start())
        #expect(await harness.wait { $0.connections.count == 2 && $0.lineReports == [true, true] })
        harness.link.stop()
    }

    @Test("a handler gets the events in order, and may publish")
    func function() async {
        let broker = BrokerFixture()
        #expect(broker.start())
        let (texts, continuation) = AsyncStream.makeStream(of: String.self)
        let link = MosquittoLink(LinkConfiguration(broker))
        link.subscribe([Subscription("t", qos: 1)])
        link.start { event in
            switch event {
            case .connected: for number in 1...3 { link.publish(MQTTMessage("t", "\(number)", qos: 1)) }
            case .message(let message): continuation.yield(message.text)
            case .disconnected: continuation.finish()
            case .line, .refusal: break
            }
        }
        var heard: [String] = []
        for await text in texts {
            heard.append(text)
            if heard.count == 3 { break }
        }
        #expect(heard == ["1", "2", "3"])
        link.stop()
    }

    @Test("the password is not in any description")
    func secrecy() {
        var configuration = LinkConfiguration(host: "h", clientID: "c")
        configuration.username = "bms"
        configuration.password = "hunter2"
        var dumped = ""
        dump(configuration, to: &dumped)
        for text in ["\(configuration)", String(reflecting: configuration), dumped] {
            #expect(!text.contains("hunter2"))
        }
    }
}

private enum Descriptors {
    static var count: Int { (0..<4096).filter { fcntl($0, F_GETFD) >= 0 }.count }
}
