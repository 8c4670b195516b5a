import MQTT
import TestSupport
import Testing

@testable import BatteryEngine
@testable import MQTTBridge

@Suite("Packs that left the configuration")
struct DepartureTests {
    private static let topics = Topics(base: "bms", discoveryPrefix: "homeassistant")
    private static let config = "homeassistant/device/bms_shed/config"

    private struct Run {
        var bridge: Bridge
        var second: Int64 = 0
        var sent: [MQTTMessage] = []
        var settled: [DepartedPack] = []
        /// Filters of the present connection.
        var filters: [String] = []
        var log: [String] = []

        /// What the file of announced packs would get.
        var kept: [DepartedPack: Set<String>]

        init(_ departed: [DepartedPack], isOld: Bool = false, brokers: [String] = ["one"]) {
            self.init(Dictionary(uniqueKeysWithValues: departed.map { ($0, []) }), isOld: isOld, brokers: brokers)
        }

        init(_ departed: [DepartedPack: Set<String>], isOld: Bool = false, brokers: [String] = ["one"]) {
            var options = BridgeOptions()
            options.brokers = brokers
            kept = departed
            bridge = Bridge(options, packs: [PackOptions(id: "garage")], departed: departed)
            take(bridge.connected(canExpire: !isOld, at: now))
        }

        var now: Moment { Moment(monotonic: .seconds(Double(second)), wall: 1_795_000_000_000 + second * 1000) }

        mutating func take(_ outbox: Outbox) {
            sent += outbox.messages
            settled += outbox.settled
            filters += outbox.subscriptions.map(\.filter)
            log += outbox.notices.map(\.text)
            kept.merge(outbox.cleared) { _, new in new }
            for pack in outbox.settled { kept[pack] = nil }
        }

        mutating func pass(_ seconds: Int64) {
            for _ in 0..<seconds {
                second += 1
                take(bridge.tick(at: now))
            }
        }

        /// Ends the connection and makes another.
        mutating func reconnect(isOld: Bool) {
            take(bridge.disconnected(at: now))
            filters = []
            take(bridge.connected(canExpire: !isOld, at: now))
        }

        mutating func message(_ topic: String, _ text: String, isRetained: Bool = false) {
            take(bridge.receive(MQTTMessage(topic, Array(text.utf8), retain: isRetained), at: now))
        }

        func on(_ topic: String) -> [String] {
            sent.filter { $0.topic == topic && $0.retain }.map { String(decoding: $0.payload, as: UTF8.self) }
        }
    }

    private func run(isOld: Bool = false) -> Run { Run([DepartedPack(Self.topics, "shed")], isOld: isOld) }

    @Test(
        "departed packs are called offline at once, cleared twenty seconds later, and then forgotten"
    )
    func cleared() {
        var run = run()
        #expect(run.on("bms/shed/status") == ["offline"])
        run.message(Self.config, #"{"components":{},"state_topic":"bms/shed/state"}"#, isRetained: true)
        run.message("bms/shed/limits", "{}", isRetained: true)
        run.message("bms/shed/status", "online", isRetained: true)
        run.pass(19)
        #expect(run.sent.filter { $0.topic.contains("shed") }.count == 1 && run.settled.isEmpty)
        run.pass(2)
        for name in ["limits", "state", "cells", "settings", "relays"] { #expect(run.on("bms/shed/\(name)") == [""]) }
        #expect(run.on(Self.config) == [""])
        run.sent = []
        run.pass(28)
        #expect(run.settled.isEmpty, "the broker may not have taken it yet")
        run.pass(3)
        #expect(run.settled == [DepartedPack(Self.topics, "shed")])
        run.pass(60)
        #expect(!run.sent.contains { $0.topic.contains("shed") }, "once")
    }

    @Test("departed packs are cleared at each of several brokers before they are forgotten")
    func brokers() {
        var run = Run([DepartedPack(Self.topics, "shed")], brokers: ["one", "two"])
        run.pass(60)
        #expect(run.settled.isEmpty && run.on("bms/shed/limits") == [""])
        run.sent = []
        run.take(run.bridge.connected(canExpire: true, broker: 0, at: run.now))
        run.pass(60)
        #expect(!run.sent.contains { $0.topic.contains("shed") }, "nothing is left there")
        run.take(run.bridge.connected(canExpire: true, broker: 1, at: run.now))
        #expect(run.on("bms/shed/status") == ["offline"])
        run.pass(60)
        #expect(run.settled == [DepartedPack(Self.topics, "shed")] && run.on("bms/shed/limits") == [""])
    }

    @Test("a broker at which departed packs were cleared in an earlier life is left alone, and each pack has its turn")
    func lives() {
        let two = ["one", "two"]
        var first = Run((10..<90).map { DepartedPack(Self.topics, "p\($0)") }, brokers: two)
        first.pass(60)
        #expect(first.settled.isEmpty && first.kept.values.count { $0 == ["one"] } == 64)
        var next = Run(first.kept, brokers: two)
        next.pass(60)
        let cleared = Set(
            next.sent.filter { $0.topic.hasPrefix("bms/p") && $0.topic.hasSuffix("/settings") }.map(\.topic))
        #expect(cleared == Set((74..<90).map { "bms/p\($0)/settings" }), "those that had no turn")
        #expect(next.kept.values.allSatisfy { $0 == ["one"] })
        next.take(next.bridge.connected(canExpire: true, broker: 1, at: next.now))
        next.pass(60)
        #expect(next.settled.count == 64 && next.kept.count == 16)
        // A broker that is new in the list has to be cleared, too; one that left the list has not.
        var shed = Run([DepartedPack(Self.topics, "shed"): ["one", "two"]], brokers: two + ["three"])
        shed.pass(60)
        #expect(shed.sent.allSatisfy { !$0.topic.contains("shed") } && shed.settled.isEmpty)
        var last = Run([DepartedPack(Self.topics, "shed"): ["one", "two"]], brokers: ["two"])
        last.pass(1)
        #expect(
            last.settled == [DepartedPack(Self.topics, "shed")] && last.sent.allSatisfy { !$0.topic.contains("shed") })
    }

    @Test(
        "departed packs are called online again if another bridge has data of them, because with MQTT 3.1.1 it does not hear the offline"
    )
    func restored() {
        for state in ["bulk", "stale", "nonsense"] {
            var run = run()
            run.message("bms/shed/limits", #"{"chargeState":"\#(state)"}"#)
            run.pass(60)
            #expect(run.on("bms/shed/status") == (state == "bulk" ? ["offline", "online"] : ["offline"]))
        }
    }

    @Test(
        "departed packs are left alone if another bridge serves them",
        arguments: ["bms/shed/limits", "bms/shed/status"])
    func takenOver(topic: String) {
        var run = run()
        run.message(Self.config, #"{"state_topic":"bms/shed/state"}"#, isRetained: true)
        run.pass(3)
        run.message(topic, topic.hasSuffix("status") ? "online" : "{}")
        run.sent = []
        run.pass(60)
        #expect(!run.sent.contains { $0.topic.contains("shed") })
        #expect(run.settled == [DepartedPack(Self.topics, "shed")])
    }

    @Test(
        "departed packs are called offline on MQTT 3.1.1 only after every other bridge had time to speak, because none would correct it"
    )
    func old() {
        var run = run(isOld: true)
        run.pass(19)
        #expect(!run.sent.contains { $0.topic.contains("shed") })
        run.pass(2)
        #expect(run.on("bms/shed/status") == ["offline"] && run.on("bms/shed/limits") == [""])
        var taken = self.run(isOld: true)
        taken.message("bms/shed/limits", "{}")
        taken.pass(60)
        #expect(!taken.sent.contains { $0.topic.contains("shed") })
    }

    @Test("departed packs are cleared in spite of the bridge's own status that comes back on MQTT 3.1.1")
    func ownEcho() {
        var run = run()
        run.message("bms/shed/status", "offline")
        run.pass(21)
        #expect(run.on("bms/shed/limits") == [""])
    }

    @Test("departed packs keep an announcement with other topics, which belongs to another bridge")
    func otherBase() {
        var run = run()
        run.message(Self.config, #"{"state_topic":"barn/shed/state"}"#, isRetained: true)
        run.pass(21)
        #expect(run.on(Self.config).isEmpty && run.on("bms/shed/limits") == [""])
    }

    @Test("departed packs have their time again after a reconnection, also while their clearing is not settled yet")
    func reconnection() {
        var run = run()
        for seconds in [15, 25] as [Int64] {
            run.pass(seconds)
            _ = run.bridge.disconnected(at: run.now)
            run.pass(60)
            #expect(run.settled.isEmpty)
            run.take(run.bridge.connected(canExpire: true, at: run.now))
        }
        run.pass(52)
        #expect(run.settled.count == 1)
    }

    @Test("departed packs keep an announcement that another bridge makes in the meantime")
    func announcedAnew() {
        var run = run()
        run.message(Self.config, #"{"state_topic":"bms/shed/state"}"#, isRetained: true)
        run.message(Self.config, #"{"state_topic":"barn/shed/state"}"#)
        run.pass(21)
        #expect(run.on(Self.config).isEmpty && run.on("bms/shed/limits") == [""])
    }

    @Test("departed packs are those of the old mqtt.base, too, but the pack's announcement below the new one stays")
    func otherBaseNow() {
        var run = Run([DepartedPack(Topics(base: "old", discoveryPrefix: "homeassistant"), "garage")])
        let config = "homeassistant/device/bms_garage/config"
        #expect(run.bridge.subscriptions.filter { $0.filter == config }.count == 1)
        run.message(
            config, #"{"components":{"x":{"platform":"sensor","state_topic":"old/garage/state"}}}"#, isRetained: true)
        run.pass(60)
        #expect(run.on("old/garage/status").last == "offline" && run.on("old/garage/limits") == [""])
        #expect(!run.on(config).contains(""), "it changes by itself")
        #expect(run.settled.count == 1)
    }

    @Test("departed packs are cleared 64 at most for each start of the bridge")
    func many() {
        var run = Run((0..<200).map { DepartedPack(Self.topics, "p\($0)") })
        run.pass(52)
        #expect(run.sent.filter { $0.topic.hasPrefix("bms/p") && $0.topic.hasSuffix("settings") }.count == 64)
        #expect(run.settled.count == 64)
    }

    @Test("departed packs are asked for after everything else, and on no other connection than that of now")
    func asked() {
        var run = run(isOld: true)
        #expect(!run.bridge.subscriptions.contains { $0.filter.contains("shed") })
        run.pass(2)
        #expect(run.filters.isEmpty)
        run.pass(2)
        #expect(run.filters.contains("bms/shed/limits") && run.filters.contains(Self.config))
        run.reconnect(isOld: true)
        #expect(run.filters.isEmpty)
        run.pass(4)
        #expect(run.filters.count == 4)
    }

    @Test(
        "departed packs are left alone where the broker ends two connections at what it gets about them",
        arguments: [3, 20] as [Int64])
    func cutOff(after seconds: Int64) {
        var run = run(isOld: true)
        for _ in 0..<2 {
            run.pass(seconds)
            run.reconnect(isOld: true)
        }
        #expect(run.log.count { $0.contains("pack shed left the configuration, and 2 connections ended") } == 1)
        run.sent = []
        run.pass(120)
        #expect(run.filters.isEmpty && !run.sent.contains { $0.topic.contains("shed") } && run.settled.isEmpty)
        #expect(run.kept[DepartedPack(Self.topics, "shed")] == [], "the next start tries again")
    }

    @Test("departed packs are not given up because of connections that end at any other time")
    func unrelatedEnds() {
        var run = run(isOld: true)
        for _ in 0..<5 {
            run.pass(10)
            run.reconnect(isOld: true)
        }
        run.pass(60)
        #expect(run.settled.count == 1)
    }

    @Test("departed packs of which the broker refuses a message are not cleared, and the log says so once")
    func refused() {
        for topic in ["bms/shed/status", "bms/shed/settings", Self.config] {
            var run = run()
            for _ in 0..<2 {
                run.pass(21)
                run.bridge.refusalChanged(topic, isOver: false)
                run.pass(40)
                #expect(run.settled.isEmpty && run.kept == [DepartedPack(Self.topics, "shed"): []], "\(topic)")
                run.reconnect(isOld: false)
            }
            #expect(run.log.count { $0.contains("the broker refuses the messages that would clear it") } == 1)
            #expect(!run.log.contains { $0.contains("all is cleared") && $0.contains("keeps nothing") })
            run.pass(60)
            #expect(run.settled.count == 1, "the rules allow it by now")
            #expect(run.log.last?.contains("keeps nothing of pack shed any more") == true)
        }
    }
}
