import BMSCore
import LinuxIO
import SmartBMS
import Glibc
import BatteryEngine
import MQTTBridge
import TestSupport
import TestThreads
import Testing

@testable import bms_mqtt

/// The installed program, a real broker, and a client of other authors.
@Suite("End to end", .enabled(if: BrokerFixture.isAvailable, "needs mosquitto"), .waits, .timeLimit(.minutes(10)))
struct EndToEndTests {
    /// The program is next to the tests.
    static let program: String = {
        let folder = CommandLine.arguments[0].split(separator: "/").dropLast().joined(separator: "/")
        return "/\(folder)/bms-mqtt"
    }()

    func subscriber(_ broker: BrokerFixture, _ topic: String) throws -> ChildProcess {
        let program = try #require(ProgramStart.find("mosquitto_sub"))
        let words = ["-h", "127.0.0.1", "-p", "\(broker.port)", "-V", "5", "-q", "1", "-t", topic]
        return try #require(ChildProcess(program, words + ["-F", "%r %t %p"]))
    }

    func bridge(_ broker: BrokerFixture, source: String, extra: String = "") throws -> ChildProcess {
        let file = broker.folder.write(
            """
            mqtt: { host: 127.0.0.1, port: \(broker.port) }
            publish: { state: 0, limits: 0, cells: 0 }
            stateDirectory: \(broker.folder.path)/state
            packs:
              - id: garage
                source: \(source)
            \(extra)
            """, "config.yaml")
        return try #require(ChildProcess(Self.program, ["run", "--config", file]))
    }

    @Test("a recorded stream appears on the broker with the right numbers")
    func replay() throws {
        let broker = BrokerFixture()
        #expect(broker.start())
        let state = try subscriber(broker, "bms/garage/state")
        let cells = try subscriber(broker, "bms/garage/cells")
        let limits = try subscriber(broker, "bms/garage/limits")
        let stream = try Fixtures.lines(of: "stream-clean.hex")
        let file = broker.folder.write(stream.joined(separator: "\n") + "\n", "clean.hex")
        let bridge = try bridge(broker, source: "replay:\(file)@max")
        // The recording has 600 frames, and the first waits for an equal one.
        let text = state.read(until: #""FramesAccepted":599"#)
        let last = try #require(text.split(separator: "\n").last { $0.contains(#""FramesAccepted":599"#) })
        let bytes = try #require(Fixtures.bytes(hex: stream.last ?? ""))
        let frame = try #require(FrameDecoder.decode(bytes))
        func decimal(_ value: Int, _ decimals: Int) -> String {
            FixedPoint.text(thousandths: value, decimals: decimals)
        }
        let current = try #require(frame.current)
        #expect(last.contains("\"Current\":\(decimal(current.rawValue, 3))"))
        #expect(last.contains("\"MinCellVoltage\":\(decimal(frame.lowestVoltage.rawValue, 3))"))
        #expect(last.contains("\"MaxCellVoltage\":\(decimal(frame.highestVoltage.rawValue, 3))"))
        #expect(last.contains("\"Soc\":\(frame.soc),"))
        #expect(last.contains("\"FirmwareVersion\":\"3.3."))
        // The first message has one cell, because a frame has one.
        #expect(cells.read(until: "\"Cell16\":3.").contains("\"Cell16\":3."))
        #expect(limits.read(until: "\"cvl\":").contains("\"ccl\":"))
        #expect(bridge.read(until: "end").contains("the recording has ended"))
    }

    @Test("frames on a port become limits, and SIGTERM calls the bridge offline and ends it")
    func serial() throws {
        let broker = BrokerFixture()
        #expect(broker.start())
        let topics = try subscriber(broker, "bms/#")
        let pty = PtyPair()
        let bridge = try bridge(broker, source: "serial:\(pty.path)")
        #expect(bridge.read(until: "reading").contains("pack garage: reading \(pty.path)"))
        let heard = frames(pty, until: "bms/garage/limits {", on: topics) { _ in }
        #expect(heard.contains("bms/garage/limits {\"cvl\":54.88"))
        bridge.kill(SIGTERM)
        #expect(bridge.exitCode() == 0)
        let words = topics.read(until: "bms/bridge/status offline")
        #expect(words.contains("bms/garage/status offline"))
        #expect(words.contains("bms/bridge/status offline"))
    }

    @Test("after kill -9 the broker calls the bridge offline")
    func killed() throws {
        let broker = BrokerFixture()
        #expect(broker.start())
        let topics = try subscriber(broker, "bms/bridge/status")
        let pty = PtyPair()
        let bridge = try bridge(broker, source: "serial:\(pty.path)")
        #expect(topics.read(until: "online").contains("online"))
        bridge.kill(SIGKILL)
        #expect(topics.read(until: "offline").contains("offline"))
    }

    @Test("killed at any moment of 200 writes, the bridge leaves a whole state file")
    func killedWhileWriting() throws {
        let broker = BrokerFixture()
        #expect(broker.start())
        let results = try subscriber(broker, "bms/garage/result")
        let pty = PtyPair()
        let publisher = try #require(ProgramStart.find("mosquitto_pub"))
        let file = "\(broker.folder.path)/state/garage.json"
        var random = SeededRandom(11)
        for round in 0..<10 {
            let bridge = try bridge(broker, source: "serial:\(pty.path)")
            #expect(bridge.read(until: "connected to").contains("connected to"))
            let words = [
                "-h", "127.0.0.1", "-p", "\(broker.port)", "-q", "1", "-l", "-t", "bms/garage/set/maxChargeCurrent",
            ]
            let commands = try #require(ChildProcess(publisher, words))
            let values = (1...20).map { round * 20 + $0 }
            commands.write(values.map { "\($0)\n" }.joined())
            // Some rounds are killed early, some after the last write.
            let last = values[Int.random(in: 0..<20, using: &random)]
            #expect(results.read(until: "\"effective\":\(last),").contains("\"effective\":\(last),"))
            bridge.kill(SIGKILL)
            _ = bridge.exitCode()
            let state = try #require(
                StateDocument.parse(Array(Repository.read(file).utf8), at: StateMoment(wall: 0)), "round \(round)")
            guard case .some(.number(let value)) = state.settings["maxChargeCurrent"]?.value else {
                Issue.record("round \(round): no value")
                continue
            }
            // The answered value, or a newer one, is on the disk.
            #expect(value.isMultiple(of: 1000) && (last...(values.last ?? 0)).contains(value / 1000), "round \(round)")
        }
        #expect(Repository.read(file + ".bad").isEmpty)
    }

    @Test(
        "a relay is closed by good frames, and opened by the broker within two seconds of kill -9", arguments: [0, 1])
    func relay(qos: Int) throws {
        let broker = BrokerFixture()
        #expect(broker.start())
        let device = try subscriber(broker, "cmnd/+/POWER")
        let pty = PtyPair()
        let relays = "    relays: [{ name: charger, commandTopic: cmnd/charger/POWER, dwell: 0, qos: \(qos) }]"
        let bridge = try bridge(broker, source: "serial:\(pty.path)", extra: relays)
        #expect(device.read(until: "OFF").contains("cmnd/charger/POWER OFF"))
        #expect(bridge.read(until: "reading").contains("reading"))
        let words = frames(pty, until: "POWER ON", on: device) { _ in }
        #expect(words.contains("cmnd/charger/POWER ON"))
        bridge.kill(SIGKILL)
        #expect(device.read(until: "OFF").contains("cmnd/charger/POWER OFF"))
    }

    @Test(
        "a foreign retained command to a relay is reported, and a device that it closed is opened at once",
        arguments: ["5", "3.1.1"])
    func foreignCommand(version: String) throws {
        let broker = BrokerFixture()
        #expect(broker.start())
        let publisher = try #require(ProgramStart.find("mosquitto_pub"))
        func publish(_ topic: String, _ payload: String, _ more: [String] = []) throws {
            let words = ["-h", "127.0.0.1", "-p", "\(broker.port)", "-q", "1", "-t", topic, "-m", payload]
            #expect(try #require(ChildProcess(publisher, words + more)).exitCode() == 0)
        }
        try publish("cmnd/charger/POWER", "ON", ["-r"])
        let pty = PtyPair()
        let relay = "{ name: charger, commandTopic: cmnd/charger/POWER, stateTopic: stat/charger/POWER, repeat: 0 }"
        let file = broker.folder.write(
            """
            mqtt: { host: 127.0.0.1, port: \(broker.port), protocol: "\(version)" }
            packs: [{ id: garage, source: "serial:\(pty.path)", relays: [\(relay)] }]
            """, "config.yaml")
        let bridge = try #require(ChildProcess(Self.program, ["run", "--config", file]))
        let told = bridge.read(until: "without retain")
        #expect(told.contains("a retained 'ON' on cmnd/charger/POWER may close relay charger"))
        let device = try subscriber(broker, "cmnd/charger/POWER")
        #expect(device.read(until: "ON").contains("1 cmnd/charger/POWER ON"))
        try publish("stat/charger/POWER", "OFF")
        try publish("stat/charger/POWER", "ON")
        // This takes three seconds at most, because an opening may have answered the retained message just before.
        #expect(device.read(until: "OFF").contains("0 cmnd/charger/POWER OFF"))
    }

    @Test("SIGTERM opens the relays before the bridge goes offline")
    func relayAtTheEnd() throws {
        let broker = BrokerFixture()
        #expect(broker.start())
        let pty = PtyPair()
        let relays = "    relays: [{ name: charger, commandTopic: cmnd/charger/POWER }]"
        let bridge = try bridge(broker, source: "serial:\(pty.path)", extra: relays)
        #expect(bridge.read(until: "reading").contains("reading"))
        let topics = try subscriber(broker, "#")
        #expect(topics.read(until: "bridge/status online").contains("online"))
        bridge.kill(SIGTERM)
        #expect(bridge.exitCode() == 0)
        let words = topics.read(until: "bms/bridge/status offline").split(separator: "\n")
        let open = words.firstIndex { $0.hasSuffix("cmnd/charger/POWER OFF") }
        #expect(open != nil)
        #expect((open ?? .max) < (words.firstIndex { $0.hasSuffix("bms/bridge/status offline") } ?? 0))
    }

    @Test("SIGTERM empties the topics of the GX tree")
    func treeAtTheEnd() throws {
        let broker = BrokerFixture()
        #expect(broker.start())
        let pty = PtyPair()
        let bridge = try bridge(broker, source: "serial:\(pty.path)", extra: "gx: { portalId: 0123456789ab }")
        #expect(bridge.read(until: "connected to").contains("connected to"))
        let topics = try subscriber(broker, "N/#")
        #expect(topics.read(until: "system/0/Serial").contains("0123456789ab"))
        let publisher = try #require(ProgramStart.find("mosquitto_pub"))
        let keepalive = ["-h", "127.0.0.1", "-p", "\(broker.port)", "-t", "R/0123456789ab/keepalive", "-m", ""]
        #expect(try #require(ChildProcess(publisher, keepalive)).exitCode() == 0)
        #expect(frames(pty, until: "/Voltages/Cell16 {", on: topics) { _ in }.contains("/Voltages/Cell16 {"))
        // The service that follows with the same packs goes on with the tree.
        bridge.kill(SIGHUP)
        #expect(bridge.read(until: "read again").contains("read again"))
        #expect(!topics.read(until: "system/0/Serial").contains("/Voltages/Cell16 \n"))
        #expect(try #require(ChildProcess(publisher, keepalive)).exitCode() == 0)
        #expect(frames(pty, until: "/Voltages/Cell16 {", on: topics) { _ in }.contains("/Voltages/Cell16 {"))
        bridge.kill(SIGTERM)
        #expect(bridge.exitCode() == 0)
        let last = "/Voltages/Cell16 \n"
        #expect(topics.read(until: last).contains(last))
    }

    @Test("SIGHUP with a faulty file is reported and changes nothing, and with a valid one the file is used")
    func reload() throws {
        let broker = BrokerFixture()
        #expect(broker.start())
        let pty = PtyPair()
        let bridge = try bridge(broker, source: "serial:\(pty.path)")
        #expect(bridge.read(until: "connected").contains("connected to"))
        broker.folder.write("packs: nonsense\n", "config.yaml")
        bridge.kill(SIGHUP)
        #expect(bridge.read(until: "stays in force").contains("config.yaml:1:8: packs: expected a list"))
        broker.folder.write(
            """
            mqtt: { host: 127.0.0.1, port: \(broker.port) }
            stateDirectory: \(broker.folder.path)/state
            packs:
              - id: shed
                source: serial:\(pty.path)
            """, "config.yaml")
        bridge.kill(SIGHUP)
        #expect(bridge.read(until: "bridging shed").contains("bridging shed"))
    }

    /// Writes frames on the beat of a BMS until a text comes on a topic.
    func frames(
        _ pty: PtyPair, until mark: String, on topic: ChildProcess, _ change: (inout Frame) -> Void
    ) -> String {
        var text = ""
        let beat = SecondBeat()
        for _ in 0..<100 where !text.contains(mark) {
            pty.write(FrameFixture.bytes(change))
            text += topic.read(until: mark, seconds: beat.secondsToNext)
        }
        return text
    }

    @Test("a commanded setting is answered, in force, and kept after kill -9")
    func settings() throws {
        let broker = BrokerFixture()
        #expect(broker.start())
        let pty = PtyPair()
        let first = try bridge(broker, source: "serial:\(pty.path)")
        _ = first.read(until: "connected to")
        let words = ["--broker", "127.0.0.1:\(broker.port)"]
        let set = try #require(ChildProcess(Self.program, ["set", "garage", "maxDischargeCurrent", "40"] + words))
        #expect(set.read().contains("maxDischargeCurrent: 40 (set)"))
        #expect(set.exitCode() == 0)
        let refused = try #require(ChildProcess(Self.program, ["set", "garage", "reserveSoc", "99"] + words))
        #expect(refused.read().contains("refused: reserveSoc must be 0 to 80 %, asked for 99 %"))
        #expect(refused.exitCode() == 1)
        first.kill(SIGKILL)
        let second = try bridge(broker, source: "serial:\(pty.path)")
        _ = second.read(until: "connected to")
        let limits = try subscriber(broker, "bms/garage/limits")
        // The port may be opened after the connection is made, and bytes written before are not read.
        let text = frames(pty, until: "\"dcl\":40", on: limits) { _ in }
        #expect(text.contains("maximum discharge current of 40.0 A by command"))
        let status = try subscriber(broker, "bms/garage/status")
        #expect(frames(pty, until: "online", on: status) { _ in }.contains("online"))
        let show = try #require(ChildProcess(Self.program, ["settings", "garage"] + words))
        #expect(show.read().contains("maxDischargeCurrent    40 A  (0 to 280)  set by command"))
    }

    @Test(
        "a broker that retains nothing, or refuses large messages, is reported with the remedy",
        arguments: [
            ("retain_available false", "keeps no retained messages: whoever subscribes later hears nothing"),
            ("max_qos 0", "takes messages of quality 0 only: the will"),
            ("max_packet_size 20000", "homeassistant/device/bms_garage/config is not sent: topic and document have"),
        ])
    func limitedBroker(line: String, warning: String) throws {
        var options = BrokerFixture.Options()
        options.lines = [line]
        let broker = BrokerFixture(options)
        #expect(broker.start())
        let bridge = try bridge(broker, source: "simulator:day")
        #expect(bridge.read(until: warning).contains(warning))
    }

    @Test("trouble with the broker is reported with host and cause")
    func brokerTrouble() throws {
        let broker = BrokerFixture()
        let pty = PtyPair()
        let bridge = try bridge(broker, source: "serial:\(pty.path)")
        let text = bridge.read(until: "nobody listens")
        #expect(text.contains("broker 127.0.0.1:\(broker.port): nobody listens there"))
    }

    @Test("a bad configuration gives exit code 78 with every fault, a bad command line 2 with the usage")
    func exitCodes() throws {
        let folder = TemporaryFolder()
        let file = folder.write("mqtt: { hots: x }\npacks:\n  - id: A\n", "bad.yaml")
        let check = try #require(ChildProcess(Self.program, ["check-config", file]))
        let text = check.read()
        #expect(check.exitCode() == 78)
        #expect(text.contains("bad.yaml:1:9: unknown key 'mqtt.hots': did you mean 'hosts'?"))
        #expect(text.contains("a pack without 'source'"))
        let run = try #require(ChildProcess(Self.program, ["run", "--config", "/nonexistent.yaml"]))
        #expect(run.read().contains("/nonexistent.yaml: cannot be read: No such file or directory: 'bms-mqtt setup'"))
        #expect(run.exitCode() == 78)
        let usage = try #require(ChildProcess(Self.program, ["rum"]))
        #expect(usage.read().contains("did you mean 'run'?"))
        #expect(usage.exitCode() == 2)
    }

    @Test("a full disk for the state is reported, and the bridge ends in time")
    func fullStateDisk() throws {
        let broker = BrokerFixture()
        #expect(broker.start())
        let file = broker.folder.write(
            """
            mqtt: { host: 127.0.0.1, port: \(broker.port) }
            stateDirectory: \(broker.folder.path)/state
            packs: [{ id: garage, source: "simulator:day" }]
            """, "config.yaml")
        let bridge = try #require(ChildProcess(Self.program, ["run", "--config", file]))
        #expect(bridge.read(until: "connected to").contains("connected to"))
        try Self.forbidFiles(bridge)
        bridge.kill(SIGTERM)
        let text = bridge.read()
        #expect(text.contains("cannot write \(broker.folder.path)/state/garage.json.new: File too large"))
        #expect(bridge.exitCode() == 0)
        #expect(!FileExists.check("\(broker.folder.path)/state/garage.json.new"))
    }

    /// Lets no file of a process grow, as a disk that is full for this process alone. The limit begins after the start, because the thread
    /// sanitizer writes files then.
    static func forbidFiles(_ process: ChildProcess) throws {
        let prlimit = try #require(ProgramStart.find("prlimit"))
        #expect(try #require(ChildProcess(prlimit, ["--pid", "\(process.id)", "--fsize=0"])).exitCode() == 0)
    }

    @Test(
        "output to a full disk is reported, and fails",
        arguments: ["version", "--help", "print-default-config", "switches --cells 16 --vbalance 3.4"])
    func fullDisk(_ words: String) throws {
        let process = try #require(ChildProcess("/bin/sh", ["-c", "'\(Self.program)' \(words) >/dev/full"]))
        #expect(process.read().contains("cannot write to standard output: No space left on device"))
        #expect(process.exitCode() == 1)
    }

    @Test("decode finds all good frames in a damaged stream and reports the rest")
    func decode() throws {
        let folder = TemporaryFolder()
        let file = folder.write(try Fixtures.lines(of: "stream-dirty.jsonl").joined(separator: "\n"), "dirty.jsonl")
        let process = try #require(ChildProcess(Self.program, ["decode", "--format", "timed", file]))
        let text = process.read()
        #expect(text.split(separator: "\n").filter { $0.hasPrefix("{\"/Dc/0/Voltage\"") }.count == 115)
        #expect(text.contains("115 frames"))
        let bad = try #require(ChildProcess(Self.program, ["decode", folder.write("zz\n00\n", "bad.hex")]))
        #expect(bad.read().contains("line 1: not pairs of hexadecimal digits; skipped"))
        #expect(bad.exitCode() == 0)
    }

    @Test("the filter answers every line, also bad ones")
    func limits() throws {
        let process = try #require(ChildProcess(Self.program, ["limits"]))
        process.write("{\"t\": 0, \"frame\": null}\nnonsense\n{\"t\": \"x\"}\n{\"t\": 3, \"frame\": \"00\"}\n")
        let text = process.read(until: "\"t\":3,")
        #expect(text.contains("line 2: not a JSON object"))
        #expect(text.contains("line 4: \"frame\" is not 116 hexadecimal digits"))
        #expect(text.split(separator: "\n").filter { $0.hasPrefix("{\"t\":") }.count == 4)
    }

    @Test("a simulated BMS on a pseudo terminal is a source like any other")
    func simulate() throws {
        let broker = BrokerFixture()
        #expect(broker.start())
        let link = "\(broker.folder.path)/fake-bms"
        let words = ["simulate", "--pty", "--link", link]
        let simulation = try #require(ChildProcess(Self.program, words))
        #expect(simulation.read(until: "\n").contains("serial:\(link)"))
        let limits = try subscriber(broker, "bms/garage/limits")
        let bridge = try bridge(broker, source: "serial:\(link)")
        #expect(limits.read(until: "\"cvl\":54.88").contains("\"cvl\":54.88"))
        bridge.kill(SIGTERM)
        #expect(bridge.exitCode() == 0)
        simulation.kill(SIGTERM)
        #expect(simulation.exitCode() == 0)
    }

    @Test("the demo runs without a terminal, and ends by itself")
    func demo() throws {
        let demo = try #require(ChildProcess(Self.program, ["demo", "--seconds", "3"]))
        let text = demo.read()
        #expect(demo.exitCode() == 0)
        #expect(text.contains("mosquitto_sub -h 127.0.0.1"))
        #expect(text.contains("demo online bulk"))
    }
}
