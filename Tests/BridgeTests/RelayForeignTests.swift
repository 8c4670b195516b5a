import BMSCore
import MQTT
import SmartBMS
import ChargeLimits
import JSON
import TestSupport
import TestThreads
import Testing

@testable import BatteryEngine
@testable import MQTTBridge

@Suite("Relays with another commander", .calculates)
struct RelayForeignTests {
    private static let command = "cmnd/charger/POWER"
    private static let state = "stat/charger/POWER"

    private func harness(
        _ function: RelayOptions.Function = .chargeAllowed, is5: Bool = true,
        _ change: (inout RelayOptions) -> Void = { _ in }
    ) -> BridgeHarness {
        var relay = RelayOptions(name: "charger")
        relay.function = function
        relay.commandTopic = Self.command
        relay.stateTopic = Self.state
        relay.dwell = 0
        change(&relay)
        var harness = BridgeHarness({ _, pack in pack.relays = [relay] }, isConnected: false)
        harness.connect(canExpire: is5)
        harness.guards(isUp: true)
        return harness
    }

    /// A bridge whose BMS forbids charging, and whose device has opened.
    private func open(is5: Bool = true, _ change: (inout RelayOptions) -> Void = { _ in }) -> BridgeHarness {
        var harness = harness(is5: is5, change)
        harness.frames(3, forbidden)
        harness.message(Self.state, "OFF")
        harness.frames(7, forbidden)
        harness.forget()
        return harness
    }

    private func forbidden(_ frame: inout Frame) { frame.status = .dischargeAllowed }

    private func commands(_ harness: BridgeHarness) -> [String] {
        harness.sent.filter { $0.topic == Self.command }.map { String(decoding: $0.payload, as: UTF8.self) }
    }

    private func reopened(_ harness: BridgeHarness) throws -> Double? {
        try harness.document("relays").object("charger")["reopened"]?.number
    }

    private func warnings(_ harness: BridgeHarness, _ words: String) -> Int {
        harness.notices.count { $0.level == .warning && $0.text.contains(words) }
    }

    @Test("a device that reports closed where it must be open is opened in the same step", arguments: [0, 30_000])
    func atOnce(repetition: Int64) throws {
        var harness = open { $0.repetition = repetition }
        harness.message(Self.state, "ON")
        #expect(commands(harness) == ["OFF"])
        #expect(try reopened(harness) == 1)
        #expect(warnings(harness, "reads back closed where it must be open") == 1)
        let events = harness.on("event").map { String(decoding: $0.payload, as: UTF8.self) }
        #expect(events.count { $0.contains("reads back closed") } == 1)
        harness.message(Self.state, "OFF")
        harness.frames(20, forbidden)
        #expect(commands(harness) == ["OFF"])
    }

    @Test("a device that reports closed in JSON, with words of its own, is opened, too")
    func json() {
        var harness = harness {
            $0.stateKey = "output"
            ($0.stateClosed, $0.stateOpen) = ("true", "false")
        }
        harness.frames(3, forbidden)
        harness.message(Self.state, #"{"output":false}"#)
        harness.frames(5, forbidden)
        harness.forget()
        harness.message(Self.state, #"{"output":true,"source":"button"}"#)
        #expect(commands(harness) == ["OFF"])
    }

    @Test(
        "a device that keeps reporting closed is commanded every two seconds ten times, then at the repetition interval",
        arguments: [30, 0])
    func bounded(repetition: Int) {
        var harness = open { $0.repetition = Int64(repetition) * 1000 }
        var sentAt: [Int64] = []
        harness.message(Self.state, "ON")
        for second in 0..<600 {
            if second > 0 { harness.frames(1, forbidden) }
            sentAt += commands(harness).map { _ in Int64(second) }
            harness.forget()
        }
        #expect(sentAt.prefix(10) == [0, 2, 4, 6, 8, 10, 12, 14, 16, 18])
        for (index, second) in sentAt.enumerated() {
            #expect(sentAt[index...].prefix { $0 < second + 60 }.count <= (repetition == 0 ? 10 : 12), "\(sentAt)")
        }
        let rest = sentAt.dropFirst(10)
        let steps = zip(rest, rest.dropFirst()).map { $1 - $0 }
        #expect(Set(steps) == [repetition == 0 ? 60 : 30], "\(sentAt)")
    }

    @Test("a device that is closed again and again is opened at most ten times a minute, and reported once")
    func flapping() {
        var harness = open { $0.repetition = 0 }
        for _ in 0..<60 {
            harness.message(Self.state, "ON")
            harness.message(Self.state, "OFF")
            harness.frames(1, forbidden)
        }
        #expect((5...10).contains(commands(harness).count), "\(commands(harness).count)")
        #expect(warnings(harness, "reads back closed") == 1)
    }

    @Test("a device that is slow to open causes no warning, and is commanded again after two seconds")
    func slow() throws {
        var harness = harness()
        harness.frames(3)
        harness.message(Self.state, "ON")
        harness.frames(5)
        harness.forget()
        harness.frames(1, forbidden)
        #expect(commands(harness) == ["OFF"])
        harness.message(Self.state, "ON")
        harness.frames(1, forbidden)
        #expect(commands(harness) == ["OFF"])
        harness.frames(1, forbidden)
        #expect(commands(harness) == ["OFF", "OFF"])
        harness.message(Self.state, "OFF")
        harness.frames(10, forbidden)
        #expect(commands(harness) == ["OFF", "OFF"])
        #expect(warnings(harness, "relay") == 0)
    }

    @Test("a device that reports closed after a reconnect is opened, too")
    func reconnect() {
        var harness = open { $0.repetition = 0 }
        _ = harness.bridge.disconnected(at: harness.now)
        harness.connect()
        #expect(commands(harness) == ["OFF"])
        // This message was retained before the command.
        harness.message(Self.state, "ON")
        #expect(commands(harness) == ["OFF"])
        harness.frames(2, forbidden)
        #expect(commands(harness) == ["OFF", "OFF"])
    }

    @Test(
        "without a state topic another client's command is answered at once",
        arguments: ["ON", "on", "1", "TOGGLE", #"{"state":"ON"}"#])
    func command(word: String) throws {
        var harness = open {
            $0.stateTopic = nil
            $0.repetition = 0
        }
        harness.message(Self.command, word)
        #expect(commands(harness) == ["OFF"])
        #expect(warnings(harness, "somebody else said '\(word)' on cmnd/charger/POWER") == 1)
        harness.message(Self.command, word)
        #expect(commands(harness) == ["OFF"], "the second waits for its two seconds")
        harness.frames(2, forbidden)
        #expect(commands(harness) == ["OFF", "OFF"])
        harness.frames(60, forbidden)
        #expect(commands(harness).count == 2)
        #expect(try reopened(harness) == 2)
        for _ in 0..<120 {
            harness.message(Self.command, word)
            harness.frames(1, forbidden)
        }
        #expect((10...24).contains(commands(harness).count))
    }

    @Test("foreign commands that open, and empty ones, are ignored", arguments: ["OFF", "off", ""])
    func harmless(word: String) {
        var harness = open()
        let count = harness.notices.count
        harness.message(Self.command, word)
        harness.frames(5, forbidden)
        #expect(commands(harness) == [])
        #expect(harness.notices.count == count)
    }

    @Test("foreign commands do not touch a closed relay, or one that is held undecided")
    func closed() {
        var harness = harness { $0.repetition = 0 }
        harness.frames(3)
        #expect(commands(harness).last == "ON")
        harness.forget()
        for word in ["ON", "OFF", "TOGGLE"] { harness.message(Self.command, word) }
        harness.message(Self.state, "ON")
        harness.frames(5)
        #expect(commands(harness) == [])
        var held = self.harness { $0.onExit = .hold }
        held.message(Self.command, "ON")
        held.message(Self.state, "ON")
        #expect(commands(held) == [])
        held.frames(2, forbidden)
        #expect(commands(held) == ["OFF"])
    }

    @Test("a button on the device of a manual relay that nobody switched on is undone")
    func manual() {
        var harness = harness(.manual) { $0.repetition = 0 }
        harness.frames(3)
        harness.message(Self.state, "OFF")
        harness.frames(5)
        harness.forget()
        harness.message(Self.state, "ON")
        #expect(commands(harness) == ["OFF"])
    }

    @Test(
        "a retained message on the command topic is reported once for each connection, with the remedy",
        arguments: [true, false])
    func retained(is5: Bool) {
        var harness = open(is5: is5)
        let text = "a retained 'ON' on cmnd/charger/POWER may close relay charger"
        for _ in 0..<3 { harness.message(Self.command, "ON", isRetained: true) }
        #expect(warnings(harness, text) == 1)
        #expect(harness.notices.contains { $0.text.contains("mosquitto_pub -t 'cmnd/charger/POWER' -r -n") })
        #expect(commands(harness) == ["OFF"])
        #expect(!harness.sent.contains { $0.topic == Self.command && $0.retain })
        _ = harness.bridge.disconnected(at: harness.now)
        harness.connect(canExpire: is5)
        harness.message(Self.command, "ON", isRetained: true)
        #expect(warnings(harness, text) == 2)
        // A retained message that opens is reported as information only.
        _ = harness.bridge.disconnected(at: harness.now)
        harness.connect(canExpire: is5)
        harness.message(Self.command, "OFF", isRetained: true)
        #expect(harness.notices.last?.level == .info)
        #expect(harness.notices.last?.text.contains("opens relay charger each time") == true)
    }

    @Test("over MQTT 3.1.1 the bridge's own commands come back, and do not count as foreign")
    func own() throws {
        var harness = open(is5: false) { $0.stateTopic = nil }
        for word in ["OFF", "ON"] { harness.message(Self.command, word) }
        harness.frames(5, forbidden)
        #expect(commands(harness) == [])
        #expect(try reopened(harness) == 0)
    }

    @Test("bytes that are not text count as a foreign command, too")
    func bytes() {
        var harness = open { $0.stateTopic = nil }
        harness.message(Self.command, [0xFF, 0xFE])
        #expect(commands(harness) == ["OFF"])
        harness.frames(70, forbidden)
        harness.forget()
        harness.message(Self.command, [UInt8](repeating: 65, count: 100_000))
        #expect(commands(harness) == ["OFF"])
        #expect(warnings(harness, "(100000 bytes)") == 1)
    }

    @Test("whatever other clients and devices send, only the rule closes the relay, and commands to open stay bounded")
    func fuzz() {
        var random = SeededRandom(22)
        var harness = harness { $0.repetition = 0 }
        var openings: [Int64] = []
        for round in 0..<RandomCases.count(5_000) {
            harness.forget()
            harness.notices = []
            let word = ["ON", "OFF", "", "x"].randomElement(using: &random) ?? ""
            switch Int.random(in: 0..<4, using: &random) {
            case 0: harness.message(Self.command, word, isRetained: random.oneIn(3))
            case 1: harness.message(Self.state, word)
            default: harness.frames(1, forbidden)
            }
            #expect(!commands(harness).contains("ON"), "round \(round)")
            openings += commands(harness).map { _ in harness.milliseconds }
            openings.removeAll { $0 <= harness.milliseconds - 60_000 }
            #expect(openings.count <= 11, "round \(round)")
        }
    }
}
