import Glibc
import LinuxIO
import Mosquitto
import BatteryEngine
import MQTTBridge
import TestSupport
import TestThreads
import Testing

@testable import bms_mqtt

/// Many packs from one `bms-mqtt simulate`.
@Suite("Simulated fleets", .waits, .timeLimit(.minutes(10)))
struct SimulateTests {
    /// The program is next to the tests.
    private static let program: String = {
        let folder = CommandLine.arguments[0].split(separator: "/").dropLast().joined(separator: "/")
        return "/\(folder)/bms-mqtt"
    }()

    private func simulate(_ line: String) throws -> ChildProcess {
        try #require(ChildProcess(Self.program, ["simulate"] + line.split(separator: " ").map(String.init)))
    }

    /// Starts packs on free ports.
    ///
    /// - Returns: the process, the first port, and the output up to `mark`.
    private func fleet(_ packs: Int, _ options: String, until mark: (Int) -> String) throws -> (
        ChildProcess, Int, String
    ) {
        for _ in 0..<20 {
            let first = FreePort.next()
            guard first + packs <= 65_536 else { continue }
            let process = try simulate("--tcp \(first) --packs \(packs) \(options)")
            let text = process.read(until: mark(first + packs - 1))
            if text.contains(mark(first + packs - 1)) { return (process, first, text) }
        }
        throw NoPorts()
    }

    private struct NoPorts: Error {}

    @Test(
        "an impossible command line is refused with the remedy",
        arguments: [
            ("--tcp 65000 --packs 1000", "end at 65999, and ports end at 65535: begin at 64536 or below"),
            ("--stdout --packs 2", "--packs needs --tcp or --pty"), ("--stdout --print-config", "--print-config needs"),
        ])
    func refused(line: String, text: String) throws {
        let process = try simulate(line)
        let said = process.read()
        #expect(said.contains(text), "\(said)")
        #expect(process.exitCode() == 2)
    }

    @Test("a port in use is named")
    func portInUse() throws {
        let (descriptor, port) = FreePort.listener()
        defer { close(descriptor) }
        let process = try simulate("--tcp \(port) --packs 3")
        #expect(process.read().contains("cannot listen on 127.0.0.1:\(port): Address already in use"))
        #expect(process.exitCode() == 1)
    }

    @Test("a soft limit of open files is raised, and a hard one is reported with the remedy")
    func openFiles() throws {
        let script = "ulimit -n 64; exec \(Self.program) simulate --tcp 20000 --packs 100"
        let process = try #require(ChildProcess("/bin/sh", ["-c", script]))
        let text = process.read()
        #expect(
            text.contains("232 open files are needed for 100 ports with a reader each, and the hard limit is 64"),
            "\(text)")
        #expect(process.exitCode() == 1)
        let soft = "ulimit -S -n 40; exec \(Self.program) simulate --pty --packs 30 --print-config"
        let raised = try #require(ChildProcess("/bin/sh", ["-c", soft]))
        #expect(raised.read(until: "id: p30,").contains("id: p30,"))
    }

    @Test("a bridge that may not open its packs' files reports it before it starts")
    func bridgeFiles() throws {
        let folder = TemporaryFolder()
        let packs = (1...20).map { "  - {id: p\($0), source: 'tcp:127.0.0.1:\(20_000 + $0)'}" }.joined(separator: "\n")
        let file = folder.write("stateDirectory: \(folder.path)/state\npacks:\n\(packs)\n", "config.yaml")
        let script = "ulimit -n 64; exec \(Self.program) run --config \(file)"
        let process = try #require(ChildProcess("/bin/sh", ["-c", script]))
        #expect(process.read().contains("82 open files are needed for 20 packs, and the hard limit is 64"))
        #expect(process.exitCode() == 1)
    }

    @Test("the printed configuration is valid, and every pack has its own source and seed")
    func configuration() throws {
        let (process, first, text) = try fleet(12, "--print-config --generation 2") { "tcp:127.0.0.1:\($0)\"" }
        let plan = try ConfigurationFile.parse(Array(text.utf8), file: "fleet.yaml").plan
        let packs = plan.packs
        // A bridge that runs on the same machine is left alone.
        #expect(
            plan.bridge.topics.base == "fleet" && plan.link.clientID == "bms-mqtt-fleet"
                && plan.bridge.discovery == .off)
        #expect(packs.map(\.options.id) == (1...12).map { $0 < 10 ? "p0\($0)" : "p\($0)" })
        #expect(packs.map { "\($0.source)" } == (0..<12).map { "tcp:127.0.0.1:\(first + $0)" })
        process.kill(SIGTERM)
        #expect(process.exitCode() == 0)
    }

    @Test("several pseudo terminals have numbered links, which are removed at the end")
    func terminals() throws {
        let folder = TemporaryFolder()
        let process = try simulate("--pty --packs 3 --link \(folder.path)/bms")
        #expect(process.read(until: "bms3\n").contains("serial:\(folder.path)/bms1\nserial:\(folder.path)/bms2\n"))
        process.kill(SIGTERM)
        #expect(process.exitCode() == 0)
        for number in 1...3 { #expect(access("\(folder.path)/bms\(number)", F_OK) != 0) }
    }

    @Test(
        "a bridge reads all packs by the printed configuration, beside a reader that never reads a byte",
        .enabled(if: BrokerFixture.isAvailable, "needs mosquitto"))
    func bridged() throws {
        let broker = BrokerFixture()
        #expect(broker.start())
        let (process, first, text) = try fleet(20, "--print-config") { "tcp:127.0.0.1:\($0)\"" }
        let stalled = (0..<3).compactMap { _ in FreePort.connect(first) }
        defer { for descriptor in stalled { close(descriptor) } }
        #expect(stalled.count == 3)
        let configuration = text.split(separator: "\n").map {
            $0.hasPrefix("mqtt:")
                ? "mqtt: { host: 127.0.0.1, port: \(broker.port) }\nstateDirectory: \(broker.folder.path)/state"
                : String($0)
        }
        let file = broker.folder.write(configuration.joined(separator: "\n") + "\n", "config.yaml")
        let program = try #require(ProgramStart.find("mosquitto_sub"))
        let words = ["-h", "127.0.0.1", "-p", "\(broker.port)", "-t", "bms/+/status", "-F", "%t %p"]
        let subscriber = try #require(ChildProcess(program, words))
        let bridge = try #require(ChildProcess(Self.program, ["run", "--config", file]))
        var heard = ""
        let deadline = Deadline()
        var missing = (1...20).map { "bms/p\($0 < 10 ? "0" : "")\($0)/status online" }
        while let next = missing.first, !deadline.isOver {
            heard += subscriber.read(until: next, seconds: 5)
            missing.removeAll { heard.contains($0) }
        }
        #expect(missing.isEmpty, "\(missing)")
        bridge.kill(SIGTERM)
        #expect(bridge.exitCode() == 0)
        process.kill(SIGTERM)
        #expect(process.exitCode() == 0)
    }
}
