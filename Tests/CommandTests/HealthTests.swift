import Glibc
import LinuxIO
import TestSupport
import TestThreads
import Testing

/// `health` and the reports to the service manager, with the installed program and a real broker.
@Suite(
    "Health, end to end", .enabled(if: BrokerFixture.isAvailable, "needs mosquitto"), .waits, .timeLimit(.minutes(10)))
struct HealthTests {
    private static let program: String = {
        let folder = CommandLine.arguments[0].split(separator: "/").dropLast().joined(separator: "/")
        return "/\(folder)/bms-mqtt"
    }()

    private func configuration(
        _ broker: BrokerFixture, _ sources: [String], user: String = "", freshness: String = ""
    ) -> String {
        let packs = zip(["garage", "shed"], sources).map { "  - id: \($0)\n    source: \($1)\n" }.joined()
        return broker.folder.write(
            """
            mqtt: { host: 127.0.0.1, port: \(broker.port)\(user) }
            stateDirectory: \(broker.folder.path)/state
            \(freshness)
            packs:
            \(packs)
            """, "config.yaml")
    }

    private func run(_ file: String, environment: [String: String] = [:]) throws -> ChildProcess {
        try #require(ChildProcess(Self.program, ["run", "--config", file], environment: environment))
    }

    private func health(_ file: String, wait: Int = 30, _ more: [String] = []) throws -> (code: Int32?, text: String) {
        let words = ["health", "--config", file, "--wait", "\(wait)"] + more
        let child = try #require(ChildProcess(Self.program, words))
        let text = child.read()
        return (child.exitCode(), text)
    }

    @Test("a pack is healthy while frames come, and not healthy once it is silent, with its name")
    func silentPack() throws {
        let broker = BrokerFixture()
        #expect(broker.start())
        // The shed has no BMS at all.
        let silent = PtyPair()
        let file = configuration(broker, ["simulator:day", "serial:\(silent.path)"])
        let bridge = try run(file)
        #expect(bridge.read(until: "connected to").contains("connected to"))
        let good = try health(file, ["--pack", "garage"])
        #expect(good.code == 0, "\(good.text)")
        #expect(good.text.hasPrefix("garage: healthy: CCL "), "\(good.text)")
        let bad = try health(file, wait: 1)
        #expect(bad.code == 1)
        #expect(bad.text.contains("garage: healthy: "), "\(bad.text)")
        #expect(bad.text.contains("shed: not healthy: no data from the BMS"), "\(bad.text)")
    }

    @Test("a bank has a verdict of its own, and is healthy with one pack that the file disconnects")
    func bank() throws {
        let broker = BrokerFixture()
        #expect(broker.start())
        let silent = PtyPair()
        let file = configuration(
            broker, ["simulator:day", "serial:\(silent.path)"],
            freshness: "banks: [{ id: house, packs: [garage, shed], disconnected: [shed] }]")
        let checked = try #require(ChildProcess(Self.program, ["check-config", file]))
        #expect(checked.read().contains("bank house of garage, shed"))
        let bridge = try run(file)
        #expect(bridge.read(until: "connected to").contains("connected to"))
        let good = try health(file, ["--pack", "house"])
        #expect(good.code == 0, "\(good.text)")
        #expect(good.text.hasPrefix("house: healthy: "), "\(good.text)")
        let all = try health(file, wait: 1)
        #expect(all.code == 1)
        #expect(all.text.contains("house: healthy: "), "\(all.text)")
        #expect(all.text.contains("shed: not healthy: "), "\(all.text)")
    }

    @Test("a bridge that was killed, and a broker that is down, are not healthy")
    func killed() throws {
        let broker = BrokerFixture()
        #expect(broker.start())
        let file = configuration(broker, ["simulator:day"])
        let bridge = try run(file)
        #expect(try health(file).code == 0)
        bridge.kill(SIGKILL)
        _ = bridge.exitCode()
        let dead = try health(file, wait: 1)
        #expect(dead.code == 1)
        #expect(dead.text == "garage: not healthy: the bridge is offline\n")
        broker.stop()
        let down = try health(file, wait: 1)
        #expect(down.code == 1)
        #expect(down.text.hasPrefix("garage: not healthy: "), "\(down.text)")
        #expect(down.text.contains("127.0.0.1:\(broker.port)"), "\(down.text)")
    }

    @Test("a wrong password is reported, but not printed")
    func wrongPassword() throws {
        var options = BrokerFixture.Options()
        options.user = ("bms", "right")
        let broker = BrokerFixture(options)
        #expect(broker.start())
        let password = broker.folder.write("wrong-secret\n", "password")
        let file = configuration(broker, ["simulator:day"], user: ", username: bms, passwordFile: \(password)")
        let answer = try health(file, wait: 1)
        #expect(answer.code == 1)
        #expect(answer.text.hasPrefix("garage: not healthy: "), "\(answer.text)")
        #expect(answer.text.contains("password"), "\(answer.text)")
        #expect(!answer.text.contains("wrong-secret"))
    }

    @Test("a faulty file gives 78, an unknown pack 2, a bad word 2")
    func usage() throws {
        let broker = BrokerFixture()
        let file = configuration(broker, ["simulator:day"])
        #expect(try health(file, ["--pack", "attic"]).code == 2)
        #expect(try health(file, ["--nonsense"]).code == 2)
        #expect(try health(file, wait: 0).code == 2)
        broker.folder.write("packs: nonsense\n", "config.yaml")
        #expect(try health(file).code == 78)
        #expect(try health("\(broker.folder.path)/none.yaml").code == 78)
    }

    @Test("the service manager gets READY, the status and the watchdog, also with a dead BMS and a dead broker")
    func notified() throws {
        let broker = BrokerFixture()
        let socket = NotifySocket()
        let pty = PtyPair()
        let file = configuration(broker, ["serial:\(pty.path)"])
        let bridge = try run(file, environment: ["NOTIFY_SOCKET": socket.path, "WATCHDOG_USEC": "400000"])
        var words = socket.read(until: "STATUS=")
        #expect(words.contains("READY=1"))
        #expect(words.last == "STATUS=no broker; no good frame from the BMS yet")
        words = socket.read(until: "WATCHDOG=1") + socket.read(until: "WATCHDOG=1")
        #expect(words.count { $0 == "WATCHDOG=1" } == 2)
        bridge.kill(SIGTERM)
        #expect(socket.read(until: "STOPPING=1").last?.hasPrefix("STOPPING=1") == true)
        #expect(bridge.exitCode() == 0)
    }

    @Test("the status names cells, volts, limits and the reason, and a reload is reported until it is ready")
    func status() throws {
        let broker = BrokerFixture()
        #expect(broker.start())
        let socket = NotifySocket()
        let file = configuration(broker, ["simulator:day"])
        let bridge = try run(file, environment: ["NOTIFY_SOCKET": socket.path])
        let status = try #require(socket.read(until: "STATUS=16 cells").last)
        #expect(status.hasPrefix("STATUS=16 cells, 5"), "\(status)")
        #expect(status.contains(" V, DCL ") && status.contains(" A, CCL ") && status.contains(" A: "), "\(status)")
        bridge.kill(SIGHUP)
        #expect(socket.read(until: "RELOADING=1").last?.contains("MONOTONIC_USEC=") == true)
        #expect(socket.read(until: "READY=1").last == "READY=1")
        broker.folder.write("packs: nonsense\n", "config.yaml")
        bridge.kill(SIGHUP)
        #expect(socket.read(until: "RELOADING=1").last?.contains("RELOADING=1") == true)
        #expect(socket.read(until: "READY=1").last == "READY=1")
    }

    @Test("a process that hangs as a whole does not feed the watchdog")
    func stopped() throws {
        let broker = BrokerFixture()
        let socket = NotifySocket()
        let bridge = try run(
            configuration(broker, ["simulator:day"]),
            environment: ["NOTIFY_SOCKET": socket.path, "WATCHDOG_USEC": "200000"])
        #expect(socket.read(until: "WATCHDOG=1").last == "WATCHDOG=1")
        bridge.kill(SIGSTOP)
        while socket.next(seconds: 0.5) != nil {}
        #expect(socket.next(seconds: 0.5) == nil)
        bridge.kill(SIGCONT)
        #expect(socket.read(until: "WATCHDOG=1").last == "WATCHDOG=1")
    }

    @Test("commands for 130 unknown packs give a hundred log lines")
    func flood() throws {
        let broker = BrokerFixture()
        #expect(broker.start())
        let bridge = try run(configuration(broker, ["simulator:day"]))
        #expect(bridge.read(until: "connected to").contains("connected to"))
        _ = try #require(ProgramStart.find("mosquitto_pub"))
        // The names have letters, because lines that differ in numbers alone count as one line.
        let script = """
            for a in a b c d e f g h i j k l m; do for b in a b c d e f g h i j; do
            mosquitto_pub -h 127.0.0.1 -p \(broker.port) -q 1 -t bms/$a$b/set/y -m 1
            done; done
            mosquitto_pub -h 127.0.0.1 -p \(broker.port) -q 1 -t bms/garage/set/maxChargeCurrent -m 5
            """
        let flood = try #require(ChildProcess("/bin/sh", ["-c", script]))
        let text = bridge.read(until: "set to 5")
        #expect(flood.exitCode() == 0)
        #expect(text.contains("set to 5"))
        #expect(text.split(separator: "\n").count { $0.contains("a command for the unknown pack") } == 100)
    }
}
