import JSON
import LinuxIO
import TestSupport
import TestThreads
import Testing

@testable import bms_mqtt

/// The installed program with two real brokers, of which the first one comes and goes.
@Suite(
    "Several brokers, end to end", .enabled(if: BrokerFixture.isAvailable, "needs mosquitto"), .waits,
    .timeLimit(.minutes(10)))
struct BrokerListEndToEndTests {
    private let first = BrokerFixture()
    private let second = BrokerFixture()

    private func configuration(_ more: String = "") -> String {
        second.folder.write(
            """
            mqtt: { hosts: ["127.0.0.1:\(first.port)", "127.0.0.1:\(second.port)"] }
            publish: { state: 0, limits: 0, cells: 0 }
            stateDirectory: \(second.folder.path)/state
            packs:
              - id: garage
                source: simulator:day
            \(more)
            """, "config.yaml")
    }

    private func program(_ words: String...) throws -> ChildProcess {
        try #require(ChildProcess(EndToEndTests.program, words))
    }

    /// A subscriber of a broker; each line is a topic and a payload.
    private func subscriber(_ broker: BrokerFixture, _ topic: String) throws -> ChildProcess {
        let program = try #require(ProgramStart.find("mosquitto_sub"))
        let words = ["-h", "127.0.0.1", "-p", "\(broker.port)", "-V", "5", "-q", "1", "-t", topic, "-F", "%t %p"]
        return try #require(ChildProcess(program, words))
    }

    @Test("Every command finds the bridge at the second broker, and doctor says so")
    func commands() throws {
        #expect(second.start())
        let file = configuration()
        let checked = try program("check-config", file)
        #expect(checked.read().contains("broker mqtt://127.0.0.1:\(first.port), 127.0.0.1:\(second.port)"))
        let bridge = try program("run", "--config", file)
        let log = bridge.read(until: "in the list")
        #expect(log.contains("nobody listens there") && log.contains("127.0.0.1:\(second.port) is tried now"), "\(log)")
        #expect(log.contains("127.0.0.1:\(second.port) with MQTT 5, the next in the list"), "\(log)")
        let health = try program("health", "--config", file, "--wait", "30")
        #expect(health.read().contains("garage: healthy"))
        #expect(health.exitCode() == 0)
        let settings = try program("settings", "garage", "--config", file)
        #expect(settings.read().contains("maxSoc"))
        #expect(settings.exitCode() == 0)
        let set = try program("set", "garage", "maxSoc", "90", "--config", file)
        #expect(set.read().contains("maxSoc: 90"))
        let monitor = try program("monitor", "--once", "--config", file)
        #expect(monitor.read().contains("garage"))
        #expect(monitor.exitCode() == 0)
        let doctor = try program("doctor", "--json", "--config", file)
        let document = try #require(JSONValue(parsing: Array(doctor.read().utf8)))
        let findings = document["findings"]?.array ?? []
        let broker = findings.first { $0["area"]?.text == "mqtt://127.0.0.1:\(first.port)" }
        #expect(broker?["level"]?.text == "warning", "another one serves")
        #expect(findings.contains { $0["text"]?.text?.contains("it is at 127.0.0.1:\(second.port)") == true })
        #expect(
            findings.contains { $0["area"]?.text == "mqtt://127.0.0.1:\(second.port)" && $0["level"]?.text == "ok" })
        #expect(doctor.exitCode() == 0)
    }

    @Test("A relay is closed at the broker that serves the bridge alone, and opened where the bridge leaves")
    func relays() throws {
        #expect(first.start() && second.start())
        let file = configuration(
            "    relays: [{ name: charger, commandTopic: cmnd/charger/POWER, function: dischargeAllowed, dwell: 0 }]")
        let (atFirst, atSecond) = (
            try subscriber(first, "cmnd/charger/POWER"), try subscriber(second, "cmnd/charger/POWER")
        )
        let statuses = try subscriber(second, "bms/bridge/status")
        let bridge = try program("run", "--config", file)
        #expect(atFirst.read(until: "POWER ON").contains("POWER ON"))
        first.stop()
        // Unguarded at first, and so told to open.
        let words = atSecond.read(until: "POWER ON")
        #expect(words.contains("POWER OFF") && words.contains("POWER ON"), "\(words)")
        #expect(statuses.read(until: "online").contains("online"))
        #expect(first.start())
        #expect(statuses.read(until: "offline").contains("offline"))
        #expect(atSecond.read(until: "POWER OFF").contains("POWER OFF"))
        let again = try subscriber(first, "cmnd/charger/POWER")
        #expect(again.read(until: "POWER ON").contains("POWER ON"))
        bridge.kill(15)
        #expect(bridge.exitCode() == 0)
    }
}
