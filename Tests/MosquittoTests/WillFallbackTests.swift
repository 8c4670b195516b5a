import MQTT
import TestSupport
import TestThreads
import Testing

@testable import Mosquitto

@Suite(
    "Wills that the broker refuses", .waits, .timeLimit(.minutes(10)),
    .enabled(if: BrokerFixture.isAvailable, "needs mosquitto"))
struct WillFallbackTests {
    private func broker(_ lines: String...) -> BrokerFixture {
        var options = BrokerFixture.Options()
        options.lines = lines
        return BrokerFixture(options)
    }

    private func harness(_ broker: BrokerFixture, id: String = "test") -> LinkHarness {
        var configuration = LinkConfiguration(broker, id: id)
        configuration.will = MQTTMessage("status", "offline", qos: 1, retain: true)
        return LinkHarness(configuration)
    }

    @Test(
        "the next best will is used, and the loss is reported once",
        arguments: [
            (["max_qos 0"], ["quality 0 only"]), (["retain_available false"], ["keeps no retained messages"]),
            (["max_qos 0", "retain_available false"], ["quality 0 only", "keeps no retained messages"]),
        ])
    func nextBest(lines: [String], words: [String]) async {
        var options = BrokerFixture.Options()
        options.lines = lines
        let broker = BrokerFixture(options)
        #expect(broker.start())
        let watcher = LinkHarness(LinkConfiguration(broker, id: "watcher"))
        watcher.link.subscribe([Subscription("status")])
        await watcher.start()
        #expect(await watcher.connected())
        let harness = harness(broker)
        await harness.start()
        #expect(await harness.connected())
        #expect(await harness.failures.isEmpty, "no wait before the next attempt")
        let note = await harness.notes.first ?? ""
        for word in words { #expect(note.contains(word), "\(note)") }
        // The will is in force: another client with the same identifier ends the connection.
        let thief = LinkHarness(LinkConfiguration(broker))
        await thief.start()
        #expect(await watcher.wait { !$0.messages.isEmpty })
        #expect(await watcher.messages.first?.text == "offline")
        thief.link.stop()
        #expect(await harness.connected(2))
        #expect(await harness.notes.count == 1, "told once")
        harness.link.stop()
        watcher.link.stop()
    }

    @Test("the full will is tried again after a lost connection")
    func again() {
        let will = MQTTMessage("status", "offline", qos: 1, retain: true)
        var fallback = WillFallback()
        func refused(_ reason: Int32, _ will: MQTTMessage?) -> Bool { fallback.refused(reason, will) }
        func note() -> String? { fallback.note() }
        #expect(refused(155, will))
        #expect(fallback.taken(will).qos == 0 && fallback.taken(will).retain)
        #expect(!refused(155, will), "less than quality 0 is not to be had")
        #expect(refused(154, will))
        #expect(!fallback.taken(will).retain)
        #expect(note() != nil)
        fallback.reset()
        #expect(fallback.taken(will) == will)
        #expect(refused(155, will) && note() == nil, "told once")
        #expect(!refused(135, will) && !refused(155, nil))
    }
}
