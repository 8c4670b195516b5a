import Glibc
import TestSupport
import TestThreads
import Testing
import ServiceIO

@testable import bms_mqtt

@Suite("Signals, terminals and descriptors", .waits, .timeLimit(.minutes(10)))
struct SignalTests {
    private static let program = EndToEndTests.program

    private static func shell(_ script: String) throws -> ChildProcess {
        try #require(ChildProcess("/bin/sh", ["-c", script]))
    }

    /// A broker, a configuration with a simulated pack, and the messages of the bridge.
    private struct Scene {
        let broker = BrokerFixture()
        let topics: ChildProcess
        let file: String

        init() throws {
            #expect(broker.start())
            topics = try EndToEndTests().subscriber(broker, "bms/#")
            file = broker.folder.write(
                """
                mqtt: { host: 127.0.0.1, port: \(broker.port) }
                stateDirectory: \(broker.folder.path)/state
                packs: [{ id: garage, source: "simulator:day", limits: { maxChargeCurrent: 60 } }]
                """, "config.yaml")
        }

        /// Starts the bridge by a shell that first closes descriptors.
        func bridge(_ closed: String = "") throws -> ChildProcess {
            let bridge = try SignalTests.shell("exec \(SignalTests.program) run --config \(file) \(closed)")
            #expect(topics.read(until: "bms/garage/limits").contains("bms/garage/limits"))
            return bridge
        }
    }

    @Test(
        "SIGHUP ends every command but run",
        arguments: [
            "simulate --pty", "simulate --tcp 0", "record --port tcp:127.0.0.1:1 FOLDER/a.rec",
            "monitor --broker 127.0.0.1:1",
            "health --config FOLDER/c.yaml --wait 60", "decode -", "limits", "can", "can --decode",
        ])
    func hangUp(_ line: String) throws {
        let folder = TemporaryFolder()
        folder.write("mqtt: {host: 127.0.0.1, port: 1}\npacks: [{id: a, source: 'serial:auto'}]\n", "c.yaml")
        let words = line.replacing("FOLDER", with: folder.path).replacing("--tcp 0", with: "--tcp \(FreePort.next())")
        let process = try #require(ChildProcess(Self.program, words.split(separator: " ").map(String.init)))
        #expect(process.exitCode(seconds: 0.3) == nil, "it runs until somebody ends it")
        process.kill(SIGHUP)
        #expect(process.exitCode() != nil)
    }

    @Test("SIGHUP ends demo, and its broker with it", .enabled(if: BrokerFixture.isAvailable, "needs mosquitto"))
    func demo() throws {
        let demo = try #require(ChildProcess(Self.program, ["demo"]))
        let text = demo.read(until: "demo online")
        let port = try #require(text.split(separator: " ").drop { $0 != "-p" }.dropFirst().first.flatMap { Int($0) })
        #expect(FreePort.isListening(port))
        demo.kill(SIGHUP)
        #expect(demo.exitCode() == 0)
        #expect(!FreePort.isListening(port))
    }

    @Test("under nohup a command ignores SIGHUP and ends by SIGTERM")
    func noHangUp() throws {
        let process = try Self.shell("trap '' HUP; exec \(Self.program) simulate --pty")
        #expect(process.read(until: "serial:").contains("serial:"))
        process.kill(SIGHUP)
        #expect(process.exitCode(seconds: 0.5) == nil)
        process.kill(SIGTERM)
        #expect(process.exitCode() == 0)
    }

    @Test(
        "a terminal that is gone ends the live view, also without a signal",
        .enabled(if: BrokerFixture.isAvailable, "needs mosquitto"))
    func terminalGone() throws {
        let broker = BrokerFixture()
        #expect(broker.start())
        let pty = PtyPair()
        let monitor = try Self.shell("exec \(Self.program) monitor --broker 127.0.0.1:\(broker.port) >\(pty.path)")
        #expect(monitor.exitCode(seconds: 0.5) == nil)
        pty.hangUp()
        #expect(monitor.exitCode() == 1)
    }

    @Test(
        "a signal that is no request does not end the bridge",
        .enabled(if: BrokerFixture.isAvailable, "needs mosquitto"))
    func ignored() throws {
        let scene = try Scene()
        let bridge = try scene.bridge()
        let numbers = [
            SIGPIPE, SIGXFSZ, SIGUSR1, SIGUSR2, SIGVTALRM, SIGPROF, SIGIO, SIGSTKFLT, SIGTTIN, SIGTTOU, SIGCHLD, SIGURG,
            SIGWINCH, 34, 50, 64,
        ]
        for number in numbers { bridge.kill(number) }
        #expect(bridge.exitCode(seconds: 0.5) == nil)
        bridge.kill(SIGTERM)
        #expect(bridge.exitCode() == 0)
    }

    @Test(
        "a signal that requests the end ends the bridge cleanly",
        .enabled(if: BrokerFixture.isAvailable, "needs mosquitto"),
        arguments: [(SIGQUIT, 0), (SIGALRM, 0), (SIGPWR, 0), (SIGXCPU, 1)] as [(Int32, Int32)])
    func clean(_ number: Int32, _ code: Int32) throws {
        let scene = try Scene()
        let bridge = try scene.bridge()
        bridge.kill(number)
        #expect(bridge.exitCode() == code)
        #expect(scene.topics.read(until: "bridge/status offline").contains("bms/bridge/status offline"))
        #expect(bridge.read().contains("SIGXCPU") == (number == SIGXCPU))
    }

    @Test(
        "a limit on the size of files loses the kept setting, but does not end the bridge",
        .enabled(if: BrokerFixture.isAvailable, "needs mosquitto"))
    func fileSize() throws {
        let scene = try Scene()
        let bridge = try scene.bridge()
        try EndToEndTests.forbidFiles(bridge)
        let set = try #require(
            ChildProcess(
                Self.program, ["set", "garage", "maxChargeCurrent", "40", "--broker", "127.0.0.1:\(scene.broker.port)"])
        )
        #expect(set.read().contains("File too large"))
        #expect(set.exitCode() == 0)
        #expect(bridge.exitCode(seconds: 0.2) == nil)
        bridge.kill(SIGTERM)
        #expect(bridge.exitCode() == 0)
    }

    @Test(
        "output that cannot be written is reported, and fails",
        arguments: ["version >&-", "version >/dev/full", "help run >&-"])
    func closedOutput(_ line: String) throws {
        let process = try Self.shell("exec \(Self.program) \(line)")
        #expect(process.read().contains("cannot write to standard output"))
        #expect(process.exitCode() == 1)
    }

    @Test(
        "without the descriptors 0 to 2 a bridge works, and none of its own descriptors gets their numbers",
        .enabled(if: BrokerFixture.isAvailable, "needs mosquitto"), arguments: ["<&- >&- 2>&-", ">&- 2>&-", "2>&-"])
    func closedDescriptors(_ closed: String) throws {
        let scene = try Scene()
        let bridge = try scene.bridge(closed)
        for number in closed.contains("<") ? [0, 1, 2] : closed.contains(">&- 2") ? [1, 2] : [2] {
            var buffer = [CChar](repeating: 0, count: 64)
            #expect(readlink("/proc/\(bridge.id)/fd/\(number)", &buffer, 63) == 9, "/dev/null")
        }
        #expect(bridge.exitCode(seconds: 2) == nil)
        bridge.kill(SIGTERM)
        #expect(bridge.exitCode() == 0)
    }
}
