import LinuxIO
import MQTT
import TestSupport
import TestThreads
import Testing

@testable import Mosquitto

@Suite("Readers that follow the bridge")
struct AbsenceWatchTests {
    /// Whole seconds at which a search begins.
    private func searches(_ watch: inout AbsenceWatch, _ seconds: ClosedRange<Int>) -> [Int] {
        var found: [Int] = []
        for second in seconds where watch.isDue(at: Double(second)) { found.append(second) }
        return found
    }

    @Test("A broker without the bridge is left alone for 5 s, and searches come less and less often")
    func pauses() {
        var watch = AbsenceWatch()
        #expect(searches(&watch, 0...20).isEmpty, "there is no connection")
        watch.connected(at: 100)
        #expect(searches(&watch, 100...700) == [105, 115, 135, 175, 255, 375, 495, 615])
        watch.disconnected()
        #expect(searches(&watch, 701...900).isEmpty)
    }

    @Test("A bridge that is here ends the search, and its will begins it anew with short pauses")
    func presence() {
        var watch = AbsenceWatch()
        watch.connected(at: 0)
        #expect(searches(&watch, 0...40) == [5, 15, 35])
        watch.heard(isOnline: true)
        for second in 41...100 {
            watch.heardLimits(at: Double(second))
            let isDue = watch.isDue(at: Double(second))
            #expect(!isDue)
        }
        watch.heard(isOnline: false)
        #expect(searches(&watch, 101...130) == [106, 116])
    }

    @Test("A bridge that is called online and says no limits is looked for elsewhere: a retained status may be a lie")
    func lie() {
        var watch = AbsenceWatch()
        watch.connected(at: 0)
        watch.heard(isOnline: true)
        #expect(searches(&watch, 0...60) == [46, 56])
    }

    @Test("Limits that come are better evidence than kept ones, and these than a status alone")
    func evidence() {
        var sighting = BrokerSearch.Sighting()
        var evidence: [BrokerSearch.Evidence] = []
        for (topic, text, isRetained) in [
            ("bms/garage/limits", "", true), ("bms/bridge/status", "online", true), ("bms/garage/limits", "{}", true),
            ("bms/garage/limits", "{}", false), ("bms/bridge/status", "offline", false),
        ] {
            sighting.take(MQTTMessage(topic, text, retain: isRetained), status: "bms/bridge/status")
            evidence.append(sighting.evidence)
        }
        #expect(evidence == [.none, .said, .kept, .live, .none])
    }
}

@Suite(
    "Readers and several brokers", .waits, .timeLimit(.minutes(10)),
    .enabled(if: BrokerFixture.isAvailable, "needs mosquitto and openssl"))
struct BridgeFollowerTests {
    private func configuration(_ brokers: BrokerFixture...) -> LinkConfiguration {
        var configuration = LinkConfiguration(brokers[0], id: "reader")
        configuration.others = brokers.dropFirst().map { BrokerAddress(host: "127.0.0.1", port: $0.port) }
        configuration.lookInterval = 600
        return configuration
    }

    /// A bridge that says at a broker what it keeps there.
    private func bridge(_ broker: BrokerFixture, hasLimits: Bool = true) async -> LinkHarness {
        let bridge = LinkHarness(LinkConfiguration(broker, id: "bridge"))
        await bridge.start()
        _ = await bridge.connected()
        say(bridge, "online")
        if hasLimits { bridge.link.publish(MQTTMessage("bms/garage/limits", "{}", qos: 1, retain: true)) }
        return bridge
    }

    private func say(_ bridge: LinkHarness, _ status: String) {
        bridge.link.publish(MQTTMessage("bms/bridge/status", status, qos: 1, retain: true))
    }

    @Test(
        "A reader turns to the broker where the bridge is, follows it back, and is free again when that broker is lost")
    func follows() async {
        let (first, second) = (BrokerFixture(), BrokerFixture())
        #expect(first.start() && second.start())
        let away = await bridge(second)
        let configuration = configuration(first, second)
        let reader = LinkHarness(configuration)
        reader.link.subscribe([Subscription("bms/+/status"), Subscription("bms/+/limits")])
        let follower = BridgeFollower(reader.link, configuration, base: "bms")
        await reader.start()
        /// Hands on what came, as an owner does, so many seconds after the beginning.
        var count = 0
        func pass(to seconds: Double) async -> Bool {
            let events = await reader.events
            for event in events.dropFirst(count) { follower.take(event, at: seconds) }
            count = events.count
            return follower.step(at: seconds)
        }
        #expect(await reader.connected())
        var begins = [await pass(to: 0), await pass(to: 4), await pass(to: 6)]
        #expect(begins == [false, false, true])
        #expect(await reader.connected(2))
        #expect(await reader.places == [0, 1])
        #expect(await reader.failures.last?.description.contains("is left, because the bridge is at") == true)
        #expect(await reader.wait { $0.messages.contains { $0.topic == "bms/garage/limits" } })
        // The bridge returns to the first broker.
        let home = await bridge(first)
        say(away, "offline")
        #expect(await reader.wait { $0.messages.last { $0.topic == "bms/bridge/status" }?.text == "offline" })
        begins = [await pass(to: 10), await pass(to: 16)]
        #expect(begins == [false, true])
        #expect(await reader.connected(3))
        #expect(await reader.places == [0, 1, 0])
        _ = await pass(to: 20)
        // A broker that is lost binds nobody.
        first.stop()
        #expect(await reader.wait { $0.failures.count >= 3 })
        _ = await pass(to: 21)
        #expect(await reader.connected(4))
        #expect(await reader.places.last == 1)
        for harness in [away, home, reader] { harness.link.stop() }
    }

    @Test("A broker whose kept status is a lie does not win against one with limits")
    func lie() async {
        let (first, second) = (BrokerFixture(), BrokerFixture())
        #expect(first.start() && second.start())
        let bridges = [await bridge(first, hasLimits: false), await bridge(second)]
        let search = BrokerSearch(status: "bms/bridge/status", limits: "bms/+/limits")
        #expect(search.place(among: configuration(first, second)) == 1)
        #expect(
            search.place(among: configuration(first), isCareful: true) == nil,
            "nobody leaves a broker for a status alone")
        #expect(search.place(among: configuration(first)) == 0)
        let nowhere = BrokerSearch(status: "barn/bridge/status", limits: "barn/+/limits")
        #expect(nowhere.place(among: configuration(first, second)) == nil)
        for harness in bridges { harness.link.stop() }
    }
}
