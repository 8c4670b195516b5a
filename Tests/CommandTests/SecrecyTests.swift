import Glibc
import LinuxIO
import BatteryEngine
import MQTTBridge
import TestSupport
import TestThreads
import Testing
import ServiceIO

@testable import bms_mqtt

/// Views of the running program that others on the machine, on the broker and in the log have.
@Suite("Secrecy", .enabled(if: BrokerFixture.isAvailable, "needs mosquitto"), .waits, .timeLimit(.minutes(10)))
struct SecrecyTests {
    private static let secret = "correct-horse-battery"
    private static let program: String = {
        let folder = CommandLine.arguments[0].split(separator: "/").dropLast().joined(separator: "/")
        return "/\(folder)/bms-mqtt"
    }()

    private func configuration(_ folder: TemporaryFolder, port: Int, password: String) -> String {
        folder.write(
            """
            mqtt: { host: 127.0.0.1, port: \(port), username: bms\(password) }
            log: { level: debug }
            stateDirectory: \(folder.path)/state
            packs:
              - id: garage
                source: "simulator:day"
            """, "config.yaml")
    }

    @Test(
        "the password is in no log line, process list, topic, state file or output of the program",
        arguments: ["file", "environment", "credential"])
    func nowhere(place: String) throws {
        let folder = TemporaryFolder()
        var options = BrokerFixture.Options()
        options.user = ("bms", Self.secret)
        let broker = BrokerFixture(options)
        #expect(broker.start())
        let file = folder.write(Self.secret + "\n", "mqtt-password")
        let configuration = configuration(
            folder, port: broker.port, password: place == "file" ? ", passwordFile: \(file)" : "")
        let environment =
            place == "environment"
            ? ["BMS_MQTT_PASSWORD": Self.secret] : place == "credential" ? ["CREDENTIALS_DIRECTORY": folder.path] : [:]
        func run(_ words: [String]) throws -> ChildProcess {
            try #require(ChildProcess(Self.program, words + ["--config", configuration], environment: environment))
        }
        let subscriber = try #require(ProgramStart.find("mosquitto_sub"))
        let topics = try #require(
            ChildProcess(
                subscriber,
                ["-h", "127.0.0.1", "-p", "\(broker.port)", "-u", "bms", "-P", Self.secret, "-t", "#", "-v"]))
        let bridge = try run(["run"])
        var log = bridge.read(until: "connected to")
        #expect(log.contains("connected to"))
        // This is the last of a pack's first messages.
        let published = topics.read(until: "bms/garage/status online")
        #expect(published.contains("bms/garage/settings") && published.contains("bms/garage/status online"))
        #expect(Repository.read("/proc/\(bridge.id)/cmdline").contains("config.yaml"))
        var texts = [published, Repository.read("/proc/\(bridge.id)/cmdline")]
        for words in [
            ["settings", "garage"], ["monitor", "--once"], ["set", "garage", "reserveSoc", "20"], ["gx-setup"], ["acl"],
        ] {
            let process = try run(words)
            let text = process.read()
            #expect(process.exitCode() == 0, "\(words): \(text)")
            texts.append(text)
        }
        let check = try #require(
            ChildProcess(Self.program, ["check-config", configuration], environment: environment))
        texts.append(check.read())
        #expect(check.exitCode() == 0)
        // The broker no longer accepts the password, and the refusal is logged.
        broker.setPassword("another")
        broker.stop()
        #expect(broker.start())
        log += bridge.read(until: "refused user")
        #expect(log.contains("refused user \"bms\""))
        bridge.kill(SIGTERM)
        #expect(bridge.exitCode() == 0)
        texts += [log, bridge.read(), Repository.read("\(folder.path)/state/garage.json")]
        #expect(!(texts.last ?? "").isEmpty)
        for text in texts { #expect(!text.contains(Self.secret)) }
    }

    @Test("the default configuration names no password, and no command takes one as an argument")
    func arguments() {
        #expect(ConfigurationText.defaultFile.contains("# password: secret"))
        for row in CommandTable.rows {
            // The name of a file with a password is no secret.
            let secret = row.options.first { option in
                if case .file = option.kind { false } else { option.name.contains("pass") }
            }
            #expect(secret == nil, "\(row.name)")
        }
    }

    @Test("the broker of the demo inherits no password")
    func demo() throws {
        let variables = ["BMS_MQTT_PASSWORD": Self.secret, "CREDENTIALS_DIRECTORY": "/nonexistent/\(Self.secret)"]
        let demo = try #require(ChildProcess(Self.program, ["demo"], environment: variables))
        #expect(demo.read(until: "mosquitto_sub").contains("mosquitto_sub"))
        #expect(Repository.read("/proc/\(demo.id)/environ").contains(Self.secret), "the test sees environments")
        let children = Processes.below(demo.id)
        #expect(children.count >= 2, "the shell and the broker")
        for child in children {
            #expect(Repository.read("/proc/\(child)/environ").contains("PATH="))
            #expect(!Repository.read("/proc/\(child)/environ").contains(Self.secret))
            #expect(!Repository.read("/proc/\(child)/cmdline").contains(Self.secret))
        }
        // A demo that ends before it reached its broker has failed.
        #expect(demo.read(until: "| CVL ").contains("| CVL "))
        demo.kill(SIGTERM)
        #expect(demo.exitCode() == 0)
    }

    @Test("the running bridge listens on no socket")
    func noListener() throws {
        let folder = TemporaryFolder()
        let broker = BrokerFixture()
        #expect(broker.start())
        let configuration = configuration(folder, port: broker.port, password: "")
        let bridge = try #require(ChildProcess(Self.program, ["run", "--config", configuration]))
        #expect(bridge.read(until: "connected to").contains("connected to"))
        let sockets = Processes.sockets(of: bridge.id)
        #expect(!sockets.isEmpty, "the connection to the broker")
        #expect(Processes.listening.isDisjoint(with: sockets))
        #expect(!Processes.listening.isEmpty, "the broker listens")
    }

    @Test(
        "only the owner can read state files and their directory, and a directory that everybody can write to is not used"
    )
    func stateModes() throws {
        let folder = TemporaryFolder()
        umask(0)
        let store = StateStore(directory: "\(folder.path)/state")
        #expect(store.save(PackState(), "garage", at: StateMoment(wall: 1_700_000_000_000)) == nil)
        umask(0o022)
        #expect(try #require(mode(store.directory)) == 0o700)
        #expect(try #require(mode("\(store.directory)/garage.json")) == 0o600)
        // A link in place of the temporary file is not followed.
        let target = folder.write("precious", "target")
        #expect(symlink(target, "\(store.directory)/garage.json.new") == 0)
        #expect(store.save(PackState(), "garage", at: StateMoment(wall: 1_700_000_000_000)) == nil)
        #expect(Repository.read(target) == "precious")
        #expect(chmod(store.directory, 0o777) == 0)
        #expect(
            store.save(PackState(), "garage", at: StateMoment(wall: 1_700_000_000_000))?.contains("chmod 700") == true)
        var complaints: [String] = []
        #expect(store.load("garage", at: StateMoment(wall: 1_700_000_000_000)) { complaints.append($0) } == nil)
        #expect(complaints.first?.contains("chmod 700") == true)
    }

    private func mode(_ path: String) -> UInt32? {
        var status = stat()
        return stat(path, &status) == 0 ? status.st_mode & 0o777 : nil
    }
}

/// Facts about processes, as the system shows them.
private enum Processes {
    /// Children of a process, and their children.
    static func below(_ id: Int32) -> [Int32] {
        guard let folder = opendir("/proc/\(id)/task") else { return [] }
        defer { closedir(folder) }
        var children: [Int32] = []
        // Each thread has its own list of children.
        while let entry = readdir(folder) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            let list = Repository.read("/proc/\(id)/task/\(name)/children")
            children += list.split(separator: " ").compactMap { Int32($0) }
        }
        return children + children.flatMap(below)
    }

    /// Inodes of a process's sockets.
    static func sockets(of id: Int32) -> Set<String> {
        Set(
            (0..<256).compactMap { number in
                var buffer = [CChar](repeating: 0, count: 128)
                guard readlink("/proc/\(id)/fd/\(number)", &buffer, buffer.count - 1) > 0 else { return nil }
                let link = String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
                return link.hasPrefix("socket:[") ? String(link.dropFirst(8).dropLast()) : nil
            })
    }

    /// Inodes of sockets that listen or take datagrams from anybody.
    static var listening: Set<String> {
        var inodes: Set<String> = []
        for file in ["tcp", "tcp6", "udp", "udp6", "raw", "raw6"] {
            for line in Repository.read("/proc/net/\(file)").split(separator: "\n").dropFirst() {
                let columns = line.split(separator: " ").map(String.init)
                // A TCP socket in state 0A listens; any other bound socket counts.
                if columns.count > 9, columns[3] == "0A" || !file.hasPrefix("tcp") { inodes.insert(columns[9]) }
            }
        }
        for line in Repository.read("/proc/net/unix").split(separator: "\n").dropFirst() {
            let columns = line.split(separator: " ").map(String.init)
            // With flag 0x10000 the socket accepts connections.
            if columns.count > 6, columns[3] == "00010000" { inodes.insert(columns[6]) }
        }
        return inodes
    }
}
