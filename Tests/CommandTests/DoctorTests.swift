import BMSCore
import BatteryEngine
import ChargeLimits
import Glibc
import JSON
import LinuxIO
import Mosquitto
import TestSupport
import TestThreads
import Testing
import ServiceIO

@testable import bms_mqtt

/// The check-up and the set-up with real brokers, real pseudo terminals, wrong passwords, no rights and no cable.
@Suite(
    "doctor and setup", .enabled(if: BrokerFixture.isAvailable, "needs mosquitto"), .waits,
    .timeLimit(.minutes(10)))
struct DoctorTests {
    private static let program = EndToEndTests.program

    /// A program that plays a BMS on a pseudo terminal until it is released.
    private func cable(_ folder: TemporaryFolder) throws -> (process: ChildProcess, path: String) {
        let path = "\(folder.path)/cable"
        let process = try #require(ChildProcess(Self.program, ["simulate", "--pty", "--link", path]))
        #expect(process.read(until: "serial:").contains("serial:"))
        return (process, path)
    }

    private func configuration(
        _ folder: TemporaryFolder, _ broker: String, source: String, id: String = "garage"
    ) -> String {
        let file = folder.write(
            "mqtt: { \(broker) }\npacks:\n  - { id: \(id), source: \"\(source)\" }\n", "config.yaml")
        chmod(file, 0o600)
        return file
    }

    private struct Result {
        var findings: [(area: String, level: String, text: String, remedy: String)]
        var code: Int32?

        func has(_ level: String, _ text: String) -> Bool {
            findings.contains { $0.level == level && $0.text.contains(text) }
        }
    }

    private func doctor(_ file: String) throws -> Result {
        let process = try #require(ChildProcess(Self.program, ["doctor", "--json", "--listen", "5", "--config", file]))
        let text = process.read()
        let code = process.exitCode()
        let document = try #require(JSONValue(parsing: Array(text.utf8)), "\(text)")
        let findings = (document["findings"]?.array ?? []).map { finding in
            (
                area: finding["area"]?.text ?? "", level: finding["level"]?.text ?? "",
                text: finding["text"]?.text ?? "",
                remedy: finding["remedy"]?.text ?? ""
            )
        }
        return Result(findings: findings, code: code)
    }

    @Test("A cable with good frames and a broker are found well, and limits that are not set are a warning")
    func well() throws {
        let folder = TemporaryFolder()
        let broker = BrokerFixture()
        #expect(broker.start())
        let cable = try cable(folder)
        let file = configuration(folder, "host: 127.0.0.1, port: \(broker.port)", source: "serial:\(cable.path)")
        let result = try doctor(file)
        #expect(result.code == 0, "\(result.findings)")
        #expect(result.has("ok", "good frames: 16 cells") && result.has("ok", "connected by MQTT 5"))
        #expect(result.has("warning", "not set: limits.fuse") && result.has("note", "no bridge has ever run"))
    }

    @Test("A running bridge is not disturbed, and its limits are shown")
    func running() throws {
        let folder = TemporaryFolder()
        let broker = BrokerFixture()
        #expect(broker.start())
        let cable = try cable(folder)
        let file = configuration(folder, "host: 127.0.0.1, port: \(broker.port)", source: "serial:\(cable.path)")
        let topics = try EndToEndTests().subscriber(broker, "bms/#")
        let bridge = try #require(
            ChildProcess(Self.program, ["run", "--config", file], environment: ["STATE_DIRECTORY": folder.path]))
        #expect(topics.read(until: "bms/garage/status online").contains("bms/garage/status online"))
        let result = try doctor(file)
        #expect(result.code == 0, "\(result.findings)")
        #expect(result.has("ok", "the running bridge reads it") && result.has("ok", "garage: CVL "))
        bridge.kill(SIGTERM)
        let log = bridge.read()
        #expect(!log.contains("somebody else") && !log.contains("took over"), "\(log)")
    }

    @Test("No cable and no broker are faults, each with a remedy")
    func nothing() throws {
        let folder = TemporaryFolder()
        let file = configuration(
            folder, "host: 127.0.0.1, port: \(FreePort.next())", source: "serial:\(folder.path)/nothing")
        let result = try doctor(file)
        #expect(result.code == 1)
        #expect(result.has("fault", "is not there") && result.has("fault", "nobody listens there"))
        #expect(result.findings.filter { $0.level == "fault" }.allSatisfy { !$0.remedy.isEmpty })
    }

    @Test("A cable that is silent, and one that brings noise, are told apart")
    func silence() throws {
        let folder = TemporaryFolder()
        let broker = BrokerFixture()
        #expect(broker.start())
        let pty = PtyPair()
        let file = configuration(folder, "host: 127.0.0.1, port: \(broker.port)", source: "serial:\(pty.path)")
        #expect(try doctor(file).has("fault", "no bytes in 5 s"))
        let end = EventDescriptor()
        let primary = pty.primary
        let thread = OwnThread.start("noise") {
            while !end.wait(seconds: 0.1) { _ = write(primary, [UInt8](repeating: 0x55, count: 40), 40) }
        }
        #expect(thread)
        #expect(try doctor(file).has("fault", "bytes and no good frame"))
        end.set()
    }

    @Test("A wrong password and missing rights are told apart")
    func rights() throws {
        let folder = TemporaryFolder()
        var options = BrokerFixture.Options()
        options.user = ("bms", "right")
        options.lines = ["acl_file \(folder.write("user bms\ntopic read bms/#\n", "acl"))"]
        let broker = BrokerFixture(options)
        #expect(broker.start())
        let pack = "simulator:day"
        let wrong = try doctor(
            configuration(folder, "host: 127.0.0.1, port: \(broker.port), username: bms, password: wrong", source: pack)
        )
        #expect(wrong.code == 1 && wrong.has("fault", "check mqtt.username and the password"), "\(wrong.findings)")
        let poor = try doctor(
            configuration(folder, "host: 127.0.0.1, port: \(broker.port), username: bms, password: right", source: pack)
        )
        #expect(poor.code == 1 && poor.has("fault", "this user may not use bms/garage/result"), "\(poor.findings)")
    }

    @Test("A faulty configuration is a fault with its place and exit code 78")
    func faulty() throws {
        let folder = TemporaryFolder()
        let result = try doctor(folder.write("packs: [{ id: A }]\n", "config.yaml"))
        #expect(result.code == 78 && result.has("fault", "config.yaml:1:"))
    }

    // MARK: setup

    private func setup(_ words: [String]) throws -> (text: String, code: Int32?) {
        let process = try #require(ChildProcess(Self.program, ["setup"] + words))
        process.closeInput()
        return (process.read(), process.exitCode())
    }

    @Test("Unattended, a configuration is written from the options and what the BMS says, and it works")
    func unattended() throws {
        let folder = TemporaryFolder()
        let broker = BrokerFixture()
        #expect(broker.start())
        let cable = try cable(folder)
        let file = "\(folder.path)/new.yaml"
        let words = [
            "--config", file, "--port", "serial:\(cable.path)", "--id", "shed", "--name", "O'Neil's: #1",
            "--max-charge", "80",
            "--fuse", "125", "--broker", "127.0.0.1:\(broker.port)", "--yes",
        ]
        let first = try setup(words)
        #expect(
            first.code == 0 && first.text.contains("16 cells") && first.text.contains("Written: \(file)"),
            "\(first.text)")
        let configuration = try ConfigurationFile.load(file)
        let pack = try #require(configuration.plan.packs.first)
        #expect(pack.options.id == "shed" && pack.options.name == "O'Neil's: #1")
        #expect(
            pack.options.limits.maximumChargeCurrent?.rawValue == 80_000
                && pack.options.limits.fuse?.rawValue == 125_000)
        #expect(FileStatus(path: file).map { $0.isWorldWritable } == false)
        let text = Repository.read(file)
        // A second run changes nothing, and --replace keeps the old one.
        let second = try setup(words)
        #expect(second.code == 1 && second.text.contains("exists: give --replace") && Repository.read(file) == text)
        for name in ["\(file).old", "\(file).old.1"] {
            let again = try setup(words + ["--replace", "--listen", "0"])
            #expect(again.code == 0 && again.text.contains("the old one is \(name)"), "\(again.text)")
        }
        #expect(Repository.read("\(file).old") == text)
    }

    @Test("Only a regular file is replaced, and a password is readable by nobody else")
    func replacing() throws {
        let folder = TemporaryFolder()
        let inner = "\(folder.path)/inner"
        mkdir(inner, 0o755)
        #expect(throws: StartFailure.self) { try NewFile.write("x", to: inner) }
        symlink("\(folder.path)/elsewhere", "\(folder.path)/link")
        #expect(throws: StartFailure.self) { try NewFile.write("x", to: "\(folder.path)/link") }
        let file = folder.write("old", "open.yaml")
        chmod(file, 0o646)
        #expect(try NewFile.write("new", to: file) == "\(file).old")
        var status = stat()
        #expect(stat(file, &status) == 0 && status.st_mode & 0o777 == 0o640)
        #expect(Repository.read(file) == "new" && Repository.read("\(file).old") == "old")
        #expect(try NewFile.write("first", to: "\(folder.path)/fresh") == nil)
        #expect(stat("\(folder.path)/fresh", &status) == 0 && status.st_mode & 0o777 == 0o600)
    }

    @Test("A signal ends a question, nothing is written, and the echo comes back")
    func interrupted() throws {
        let folder = TemporaryFolder()
        let file = "\(folder.path)/new.yaml"
        let script = try #require(ProgramStart.find("script"))
        let line = "\(Self.program) setup --config \(file) --port serial:/dev/null --listen 0; echo code $?; stty -a"
        let process = try #require(ChildProcess(script, ["-qec", "sh -c 'trap : INT; \(line)'", "/dev/null"]))
        #expect(process.read(until: "Id of the pack").contains("Id of the pack"))
        process.write("\u{3}")
        let rest = process.read()
        #expect(rest.contains("code ") && !rest.contains("code 0") && rest.contains(" echo "), "\(rest)")
        #expect(FileStatus(path: file) == nil)
    }

    @Test("A source that a running bridge reads in vain is not opened a second time")
    func silentBridge() throws {
        let folder = TemporaryFolder()
        let broker = BrokerFixture()
        #expect(broker.start())
        let pty = PtyPair()
        let file = configuration(folder, "host: 127.0.0.1, port: \(broker.port)", source: "serial:\(pty.path)")
        let topics = try EndToEndTests().subscriber(broker, "bms/#")
        let bridge = try #require(
            ChildProcess(Self.program, ["run", "--config", file], environment: ["STATE_DIRECTORY": folder.path]))
        #expect(topics.read(until: "bms/garage/status offline").contains("bms/garage/status offline"))
        let result = try doctor(file)
        #expect(result.code == 1 && result.has("fault", "the running bridge gets no good frames"), "\(result.findings)")
        #expect(!result.has("fault", "another program holds it"))
        bridge.kill(SIGTERM)
    }

    @Test(
        "What cannot be is refused in words, and nothing is written",
        arguments: [
            (["--id", "Shed"], "--id: id: expected 1 to 32"), (["--fuse", "125A"], "write the number alone, 125"),
            (["--max-charge", "12,5"], "write the decimals behind a point"),
            (["--broker", "mqtt://x"], "expected HOST or HOST:PORT"),
            (["--port", "COM3"], "a cable on Linux is serial:auto"),
            (["--username", "x", "--password-file", "/nonexistent"], "cannot read"),
            (["--password-file", "/etc/hostname"], "--password-file needs --username"),
        ])
    func refused(_ words: [String], _ sentence: String) throws {
        let folder = TemporaryFolder()
        let file = "\(folder.path)/new.yaml"
        let port = words[0] == "--port" ? [] : ["--port", "serial:/dev/null"]
        let result = try setup(["--config", file, "--listen", "0", "--yes"] + port + words)
        #expect(result.code != 0 && result.text.contains(sentence), "\(result.text)")
        #expect(FileStatus(path: file) == nil)
    }

    @Test("A source from which nothing comes writes nothing")
    func silentSource() throws {
        let folder = TemporaryFolder()
        let pty = PtyPair()
        let file = "\(folder.path)/new.yaml"
        let result = try setup(["--config", file, "--port", "serial:\(pty.path)", "--listen", "1", "--yes"])
        #expect(
            result.code == 1 && result.text.contains("no bytes in 1 s") && FileStatus(path: file) == nil,
            "\(result.text)")
    }

    @Test("At a terminal it asks, a wrong answer is asked again, and the password is not shown")
    func attended() throws {
        let folder = TemporaryFolder()
        var options = BrokerFixture.Options()
        options.user = ("bms", "s3cret #1")
        let broker = BrokerFixture(options)
        #expect(broker.start())
        let cable = try cable(folder)
        let file = "\(folder.path)/new.yaml"
        let terminal = PtyPair(isRaw: false)
        let words = ["setup", "--config", file, "--port", "serial:\(cable.path)"]
        let process = try #require(ChildProcess(Self.program, words, terminal: terminal.secondary))
        func answer(_ question: String, _ text: String) {
            #expect(process.read(until: question).contains(question), "no question '\(question)'")
            terminal.write(Array("\(text)\n".utf8))
        }
        answer("Id of the pack", "My Pack")
        answer("expected 1 to 32", "attic")
        answer("Name for people", "Attic")
        answer("charge current", "")
        answer("discharge current", "")
        answer("Fuse", "")
        answer("Tmin", "5")
        answer("Tmax", "")
        answer("MQTT broker", "127.0.0.1:\(broker.port)")
        answer("User at the broker", "bms")
        answer("Password", "s3cret #1")
        let rest = process.read()
        #expect(process.exitCode() == 0 && rest.contains("Written: \(file)"), "\(rest)")
        // The terminal echoes what a person types, and not the password.
        let echo = String(decoding: terminal.read(), as: UTF8.self)
        #expect(echo.contains("My Pack") && echo.hasSuffix("bms\r\n") && !echo.contains("s3cret"), "\(echo)")
        #expect(!rest.contains("s3cret") && rest.contains("connected by MQTT 5"))
        let configuration = try ConfigurationFile.load(file)
        #expect(configuration.plan.link.password == "s3cret #1" && configuration.plan.packs[0].options.id == "attic")
        #expect(configuration.plan.packs[0].options.limits.minimumChargeTemperature?.rawValue == 5_000)
        // What nobody answered is a remark, by the capacity that the BMS sent: doctor goes on asking for it.
        #expect(configuration.plan.packs[0].options.limits.maximumChargeCurrent == nil)
        #expect(Repository.read(file).contains("# maxChargeCurrent: 50   # A, used until you set it"))
        #expect(rest.contains("limits.maxChargeCurrent"))
    }
}
