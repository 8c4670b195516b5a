import MQTT
import TestSupport
import TestThreads
import Testing

@testable import Mosquitto

@Suite("Subscriptions after a message that is too large")
struct ProbationTests {
    private let one = Subscription("one")
    private let two = Subscription("two")

    private let three = Subscription("three")

    /// Sends subscriptions until none waits.
    ///
    /// - Returns: their filters, each with its second.
    private func ask(_ probation: inout Probation, _ subscriptions: [Subscription], from begin: Double) -> [String] {
        var asked = probation.admit(subscriptions, at: begin).map { "\($0.filter) \(begin)" }
        var now = begin
        while probation.turn != nil {
            if let next = probation.next(at: now) { asked.append("\(next.filter) \(now)") }
            now += 0.5
        }
        return asked
    }

    /// Ends the connection by a message, some seconds after the connection was made.
    private func fail(_ probation: inout Probation, at now: Double) -> String? {
        defer { probation.forgetConnection() }
        return probation.blame(at: now)
    }

    @Test("without such a message all subscriptions are sent at once")
    func normal() {
        var probation = Probation()
        #expect(ask(&probation, [one, two], from: 10) == ["one 10.0", "two 10.0"])
        #expect(probation.next(at: 20) == nil)
    }

    @Test("after a message soon after the start, suspected subscriptions are sent one by one, three seconds apart")
    func oneByOne() {
        var probation = Probation()
        _ = ask(&probation, [one, two], from: 10)
        #expect(fail(&probation, at: 11) == nil, "nothing is accused where two were asked for at once")
        #expect(ask(&probation, [one, two, three], from: 20) == ["three 20.0", "one 23.0", "two 26.0"])
    }

    @Test("a subscription that brings the message twice, alone, is left out for an hour; the others are cleared")
    func leftOut() {
        var probation = Probation()
        _ = ask(&probation, [one, two], from: 10)
        #expect(fail(&probation, at: 11) == nil)
        for (at, wanted) in [(20.0, nil), (30, "two")] {
            #expect(probation.admit([one, two], at: at) == (at == 20 ? [] : [one]))
            if at == 20 { #expect(probation.next(at: at) == one) }
            #expect(probation.next(at: at + 2.5) == nil)
            #expect(probation.next(at: at + 3) == two)
            #expect(fail(&probation, at: at + 3.4) == wanted)
        }
        #expect(ask(&probation, [one, two], from: 40) == ["one 40.0"])
        #expect(probation.next(at: 3633) == nil)
        #expect(probation.next(at: 3634) == two)
    }

    @Test("a message long after the last subscription makes none suspected")
    func live() {
        var probation = Probation()
        _ = ask(&probation, [one, two], from: 10)
        #expect(fail(&probation, at: 100) == nil)
        #expect(ask(&probation, [one, two], from: 110) == ["one 110.0", "two 110.0"])
    }

    @Test("a subscription without such a message for three seconds is no longer suspected")
    func acquitted() {
        var probation = Probation()
        _ = ask(&probation, [one, two], from: 10)
        _ = fail(&probation, at: 11)
        _ = ask(&probation, [one, two], from: 20)
        #expect(fail(&probation, at: 30) == nil)
        #expect(ask(&probation, [one, two], from: 40) == ["one 40.0", "two 40.0"])
    }

    @Test("an hour after the last message all subscriptions are sent at once again")
    func end() {
        var probation = Probation()
        _ = ask(&probation, [one, two], from: 10)
        _ = fail(&probation, at: 11)
        #expect(probation.admit([one, two], at: 3610) == [])
        probation.forgetConnection()
        #expect(probation.admit([one, two], at: 3611) == [one, two])
    }
}

@Suite(
    "Messages that are too large",
    .enabled(
        if: BrokerFixture.isAvailable && MosquittoLibrary.hasBounds,
        "needs mosquitto, and the library of scripts/libmosquitto: scripts/test"), .waits, .timeLimit(.minutes(10)))
struct TooLargeTests {
    @Test("a retained message that meets each MQTT 3.1.1 connection costs its filter, and the others are served")
    func retained() async {
        let broker = BrokerFixture()
        #expect(broker.start())
        let writer = LinkHarness(LinkConfiguration(broker, id: "writer"))
        await writer.start()
        #expect(await writer.connected())
        writer.link.publish(
            MQTTMessage("poison/a", String(repeating: "x", count: 200_000), qos: 1, retain: true))
        writer.link.publish(MQTTMessage("good/a", "here", qos: 1, retain: true))
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
        // The connection stays.
        writer.link.publish(MQTTMessage("good/b", "later", qos: 1))
        #expect(await reader.wait { $0.messages.contains { $0.text == "later" } })
        #expect(await reader.failures.count == failures.count)
        reader.link.stop()
        writer.link.stop()
    }

    @Test("a live message ends the connection, and the next connection sends all subscriptions")
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
