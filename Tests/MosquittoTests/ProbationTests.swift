import TestSupport
import Testing

@testable import Mosquitto

@Suite("Subscriptions after a message too large to take")
struct ProbationTests {
    private let one = Subscription("one")
    private let two = Subscription("two")

    @Test("without such a message all are asked for at once")
    func normal() {
        var probation = Probation()
        #expect(probation.admit([one, two], at: 10) == [one, two])
        #expect(probation.turn == nil)
        #expect(probation.next(hasAnswer: true, isQuiet: true, at: 10) == nil)
    }

    @Test("after one they go one by one: the next follows an answer and silence, or two seconds")
    func oneByOne() {
        var probation = Probation()
        #expect(probation.blame(at: 10) == nil, "nothing is suspected where all were asked for at once")
        probation.forgetConnection()
        #expect(probation.admit([one, two], at: 11) == [])
        #expect(probation.turn != nil)
        #expect(probation.next(hasAnswer: false, isQuiet: true, at: 11) == one)
        #expect(probation.next(hasAnswer: false, isQuiet: true, at: 11.1) == nil, "no answer yet")
        #expect(probation.next(hasAnswer: true, isQuiet: false, at: 11.2) == nil, "what it brings is not read yet")
        #expect(probation.next(hasAnswer: false, isQuiet: true, at: 11.3) == two)
        #expect(probation.turn == nil)
        probation.forgetConnection()
        #expect(probation.admit([one, two], at: 20) == [])
        #expect(probation.next(hasAnswer: false, isQuiet: true, at: 20) == one)
        #expect(probation.next(hasAnswer: false, isQuiet: false, at: 22.1) == two, "a broker that answers none")
    }

    @Test("the one that was asked for last is left out for an hour, and asked for again after it")
    func leftOut() {
        var probation = Probation()
        _ = probation.blame(at: 10)
        _ = probation.admit([one, two], at: 11)
        _ = probation.next(hasAnswer: false, isQuiet: true, at: 11)
        #expect(probation.blame(at: 11.1) == "one")
        probation.forgetConnection()
        _ = probation.admit([one, two], at: 12)
        #expect(probation.next(hasAnswer: false, isQuiet: true, at: 12) == two)
        #expect(probation.next(hasAnswer: true, isQuiet: true, at: 3611) == nil)
        #expect(probation.next(hasAnswer: true, isQuiet: true, at: 3612) == one)
    }

    @Test("a message that comes long after the last question accuses no subscription")
    func live() {
        var probation = Probation()
        _ = probation.blame(at: 10)
        _ = probation.admit([one], at: 11)
        _ = probation.next(hasAnswer: false, isQuiet: true, at: 11)
        #expect(probation.blame(at: 100) == nil)
    }

    @Test("an hour after the last one all are asked for at once again")
    func end() {
        var probation = Probation()
        _ = probation.blame(at: 10)
        #expect(probation.admit([one], at: 3609) == [])
        probation.forgetConnection()
        #expect(probation.admit([one], at: 3610) == [one])
    }
}

@Suite(
    "Messages too large to take",
    .enabled(
        if: BrokerFixture.isAvailable && MosquittoLibrary.hasBounds,
        "needs mosquitto, and the library of scripts/libmosquitto: scripts/test"), .timeLimit(.minutes(5)))
struct TooLargeTests {
    @Test("a retained one that meets each MQTT 3.1.1 connection costs its filter, and the others are served")
    func retained() async {
        let broker = BrokerFixture()
        #expect(broker.start())
        let writer = LinkHarness(LinkConfiguration(broker, id: "writer"))
        await writer.start()
        #expect(await writer.connected())
        writer.link.publish(
            OutgoingMessage("poison/a", String(repeating: "x", count: 200_000), qos: 1, retain: true))
        writer.link.publish(OutgoingMessage("good/a", "here", qos: 1, retain: true))
        var configuration = LinkConfiguration(broker, id: "reader")
        configuration.protocolPreference = .v311
        let reader = LinkHarness(configuration)
        reader.link.subscribe([Subscription("poison/#"), Subscription("good/#")])
        await reader.start()
        #expect(await reader.wait { $0.messages.contains { $0.text == "here" } })
        let failures = await reader.failures.map(\.description)
        #expect(failures.first?.contains("sent a message of 2000") == true, "\(failures)")
        #expect(failures.last?.contains("nothing of that is heard for an hour") == true, "\(failures)")
        #expect(failures.last?.contains("the subscription to poison/#") == true, "\(failures)")
        #expect(reader.link.droppedMessages == failures.count)
        // It stays.
        writer.link.publish(OutgoingMessage("good/b", "later", qos: 1))
        #expect(await reader.wait { $0.messages.contains { $0.text == "later" } })
        #expect(await reader.failures.count == failures.count)
        reader.link.stop()
        writer.link.stop()
    }

    @Test("one that comes live ends the connection, and the next one asks for all")
    func live() async {
        let broker = HostileBroker(.hugeMessage)
        defer { broker.stop() }
        let harness = LinkHarness(LinkConfiguration(host: "127.0.0.1", port: broker.port, clientID: "test"))
        await harness.start()
        #expect(await harness.connected(2))
        let failure = await harness.failures.first
        #expect(failure?.description.contains("a message of 268435460 bytes, where 65536 are taken") == true)
        #expect(failure?.description.contains("an hour") == false)
        harness.link.stop()
    }
}
