import BMSCore
import LinuxIO
import SmartBMS
import Glibc
import TestSupport
import Testing

@testable import bms_mqtt

/// Tests of state that survives a reload, a restart and the end of a filter.
extension EndToEndTests {
    @Test("a latch outlasts SIGHUP and kill -9", arguments: [SIGHUP, SIGKILL])
    func latch(signal: Int32) throws {
        let broker = BrokerFixture()
        #expect(broker.start())
        let pty = PtyPair()
        let extra = "    discharging: { reserveSoc: 20 }"
        var bridge = try bridge(broker, source: "serial:\(pty.path)", extra: extra)
        #expect(bridge.read(until: "connected to").contains("connected to"))
        let limits = try subscriber(broker, "bms/garage/limits")
        #expect(frames(pty, until: "\"dcl\":0.0", on: limits) { $0.soc = 20 }.contains("reserve"))
        let file = "\(broker.folder.path)/state/garage.json"
        for _ in 0..<100 where !Repository.read(file).contains("reserve") {
            _ = limits.read(until: "never", seconds: 0.05)
        }
        #expect(Repository.read(file).contains("\"latches\":[\"reserve\"]"))
        bridge.kill(signal)
        if signal == SIGKILL {
            _ = bridge.exitCode()
            bridge = try self.bridge(broker, source: "serial:\(pty.path)", extra: extra)
        }
        // The log repeats no line within a minute.
        let mark = signal == SIGKILL ? "connected to" : "the new configuration is in force"
        #expect(bridge.read(until: mark).contains(mark))
        // Without the latch 22 % would be enough.
        let after = frames(pty, until: "charge of 22 %", on: limits) { $0.soc = 22 }
        let line = after.split(separator: "\n").last { $0.contains("charge of 22 %") } ?? ""
        #expect(line.contains("\"dcl\":0.0"), "\(line)")
    }

    /// Retained messages below a topic, as lines "topic payload".
    private func kept(_ broker: BrokerFixture, _ topic: String) throws -> String {
        let program = try #require(ProgramStart.find("mosquitto_sub"))
        let words = [
            "-h", "127.0.0.1", "-p", "\(broker.port)", "-V", "5", "-W", "1", "--retained-only", "-v", "-t", topic,
        ]
        let text = try #require(ChildProcess(program, words)).read(until: "never", seconds: 3)
        // The program ends its output with these words.
        return text.replacing("Timed out\n", with: "")
    }

    @Test(
        "a pack that left the file while the bridge was killed is offline at once and then cleared, and other packs stay"
    )
    func departure() throws {
        let broker = BrokerFixture()
        #expect(broker.start())
        let second = "  - id: shed\n    source: simulator:day"
        let before = try bridge(broker, source: "simulator:day", extra: second)
        let state = try subscriber(broker, "bms/shed/state")
        #expect(state.read(until: "Voltage").contains("Voltage"))
        #expect(before.read(until: "connected to").contains("connected to"))
        let config = try subscriber(broker, "homeassistant/device/bms_shed/config")
        #expect(config.read(until: "state_topic").contains("state_topic"))
        before.kill(SIGKILL)
        _ = before.exitCode()
        #expect(try kept(broker, "bms/shed/status").contains("online"))
        let status = try subscriber(broker, "bms/shed/status")
        let after = try bridge(broker, source: "simulator:day")
        #expect(status.read(until: "offline").contains("offline"))
        #expect(
            after.read(until: "pack shed left the configuration").contains(
                "its device in Home Assistant included"))
        #expect(try kept(broker, "bms/shed/#") == "bms/shed/status offline\n")
        #expect(try kept(broker, "homeassistant/device/bms_shed/config").isEmpty)
        let garage = try kept(broker, "bms/garage/#")
        #expect(garage.contains("bms/garage/status online") && garage.contains("bms/garage/limits {"))
        // When the departure is settled, the next start does not report it.
        let files = "\(broker.folder.path)/state/bridge.*.json"
        let end = Deadline()
        while !end.isOver, Repository.first(files).map(Repository.read)?.contains("shed") != false {
            _ = status.read(until: "nothing", seconds: 0.2)
        }
        after.kill(SIGKILL)
        _ = after.exitCode()
        let third = try bridge(broker, source: "simulator:day")
        #expect(third.read(until: "connected to").contains("connected to"))
        #expect(!third.read(until: "pack shed", seconds: 12).contains("pack shed"))
    }

    @Test("foreign messages are corrected on a real broker, and reported with the topic")
    func stranger() throws {
        let broker = BrokerFixture()
        #expect(broker.start())
        let bridge = try bridge(broker, source: "simulator:day")
        let limits = try subscriber(broker, "bms/garage/limits")
        #expect(limits.read(until: "reasons").contains("reasons"))
        func say(_ topic: String, _ text: String, isRetained: Bool = true) throws {
            let program = try #require(ProgramStart.find("mosquitto_pub"))
            let words =
                ["-h", "127.0.0.1", "-p", "\(broker.port)", "-t", topic, "-m", text] + (isRetained ? ["-r"] : [])
            #expect(try #require(ChildProcess(program, words)).exitCode() == 0)
        }
        for name in ["limits", "settings", "gx", "event", "status"] {
            try say("bms/garage/\(name)", "wrong")
            let text = bridge.read(until: "bms/garage/\(name)")
            #expect(text.contains("somebody else publishes on bms/garage/\(name)"), "\(text)")
        }
        try say("homeassistant/device/bms_garage/config", "wrong")
        #expect(
            bridge.read(until: "bms_garage/config").contains(
                "somebody else publishes on homeassistant/device/bms_garage/config"))
        var left = "wrong"
        for _ in 0..<10 where left.contains("wrong") {
            left = try kept(broker, "bms/garage/#") + kept(broker, "homeassistant/#")
        }
        #expect(!left.contains("wrong"), "\(left)")
        #expect(left.contains("bms/garage/status online") && left.contains("bms/garage/settings {"))
        #expect(!left.contains("bms/garage/gx") && !left.contains("bms/garage/event"))
    }

    @Test("the filter continues from its state file, by the time in its lines")
    func limitsState() throws {
        let folder = TemporaryFolder()
        let file = folder.write(
            "packs: [{ id: p, source: \"simulator:full\", discharging: { reserveSoc: 20 } }]\n", "c.yaml")
        func run(_ lines: [(t: Int, soc: Int)], state: String?) throws -> [String] {
            let words = ["limits", "--config", file] + (state.map { ["--state", $0] } ?? [])
            let process = try #require(ChildProcess(Self.program, words))
            var answers: [String] = []
            for line in lines {
                let frame = FrameFixture.bytes { $0.soc = line.soc }.map {
                    $0 < 16 ? "0" + String($0, radix: 16) : String($0, radix: 16)
                }
                process.write("{\"t\": \(line.t), \"frame\": \"\(frame.joined())\"}\n")
                answers.append(process.read(until: "]}\n"))
            }
            process.closeInput()
            _ = process.exitCode()
            return answers
        }
        let path = "\(folder.path)/state.json"
        let first = (0..<5).map { (t: $0, soc: 20) }
        let second = (10..<15).map { (t: $0, soc: 22) }
        #expect(try run(first, state: path).last?.contains("\"dcl\":0.0") == true)
        #expect(Repository.read(path).contains("\"savedAt\":4000"))
        #expect(try run(second, state: path).last?.contains("\"dcl\":0.0") == true)
        #expect(Repository.read(path).contains("\"savedAt\":14000"))
        // Without a file the same input has the same output, whatever ran before.
        #expect(try run(second, state: nil) == run(second, state: nil))
        #expect(try run(second, state: nil).last?.contains("\"dcl\":0.0") == false)
        folder.write("{\"version\":9", "state.json")
        #expect(try run(second, state: path).first?.contains("state.json is damaged or of a newer version") == true)
        #expect(Repository.read(path + ".bad") == "{\"version\":9")
    }
}
