import BMSCore
import LinuxIO
import SmartBMS
import Glibc
import TestSupport
import TestThreads
import Testing

@testable import bms_mqtt

@Suite(
    "Viewers of a bridge's topics", .enabled(if: BrokerFixture.isAvailable, "needs mosquitto"),
    .waits, .timeLimit(.minutes(10)))
struct ViewerTests {
    private struct Answer {
        var text: String
        var code: Int32?
    }

    private func ask(_ broker: BrokerFixture, _ words: String) throws -> Answer {
        let list = words.split(separator: " ").map(String.init) + ["--broker", "127.0.0.1:\(broker.port)"]
        let process = try #require(ChildProcess(EndToEndTests.program, list))
        let text = process.read()
        return Answer(text: text, code: process.exitCode())
    }

    private func publish(_ broker: BrokerFixture, _ topic: String, _ text: String) throws {
        let program = try #require(ProgramStart.find("mosquitto_pub"))
        let words = ["-h", "127.0.0.1", "-p", "\(broker.port)", "-r", "-q", "1", "-t", topic, "-m", text]
        #expect(ChildProcess(program, words)?.exitCode() == 0)
    }

    @Test("a running bridge is shown, and a killed one is offline, with dashes, the time, and exit code 1")
    func killed() throws {
        let broker = BrokerFixture()
        #expect(broker.start())
        let topics = try EndToEndTests().subscriber(broker, "bms/#")
        let bridge = try EndToEndTests().bridge(broker, source: "\"simulator:day\"")
        #expect(topics.read(until: "bms/garage/status online").contains("bms/garage/status online"))
        let alive = try ask(broker, "monitor --once")
        #expect(alive.text.contains("garage online") && alive.text.contains("CCL 50.0 A") && alive.code == 0)
        let settings = try ask(broker, "settings garage")
        #expect(settings.text.contains("maxChargeCurrent") && settings.text.contains("A  (0 to") && settings.code == 0)
        bridge.kill(SIGKILL)
        #expect(topics.read(until: "bms/bridge/status offline").contains("bms/bridge/status offline"))
        let dead = try ask(broker, "monitor --once")
        #expect(
            dead.text.hasPrefix("garage: nothing valid: bridge offline since ") && dead.text.contains(" or earlier\n"))
        #expect(!dead.text.contains("CCL") && dead.code == 1)
        let left = try ask(broker, "settings garage")
        #expect(left.text.contains("bridge offline since ") && left.code == 1)
        #expect(left.text.contains("maxChargeCurrent       -"))
    }

    @Test("a question for an unknown pack is answered with the known ones")
    func unknownPack() throws {
        let broker = BrokerFixture()
        #expect(broker.start())
        for topic in ["bridge", "shed", "barn"] { try publish(broker, "bms/\(topic)/status", "online") }
        let answer = try ask(broker, "monitor --once --pack nope")
        #expect(answer.text.contains("no pack 'nope' under 'bms/'") && answer.text.contains("there are barn, shed"))
        #expect(answer.code == 1)
    }

    @Test(
        "foreign text reaches no terminal as a command",
        arguments: ["monitor --once", "settings garage", "monitor --once --pack nope"])
    func hostile(_ words: String) throws {
        let broker = BrokerFixture()
        #expect(broker.start())
        let evil = "\u{1B}[31m\u{1B}]0;pwn\u{7}\u{9B}1m\u{202E}"
        try publish(broker, "bms/bridge/status", "on\(evil)")
        try publish(broker, "bms/garage/status", "online\(evil)")
        try publish(
            broker, "bms/garage/settings", #"{"\u001b[2Ja":{"value":"\u001b[2J\u009bb\u202e","unit":"\u001b[2J"}}"#)
        try publish(broker, "bms/pa\u{202D}ck/status", "online")
        let answer = try ask(broker, words)
        #expect(!answer.text.isEmpty && answer.code == 1)
        #expect(answer.text.split(separator: "\n").allSatisfy { $0.isPlain }, "\(answer.text.debugDescription)")
    }
}

@Suite("The page's program", .waits, .timeLimit(.minutes(10)))
struct WebCommandTests {
    @Test("nothing of HTTP or SQLite is in the program that makes the limits")
    func libraries() throws {
        let ldd = try #require(ProgramStart.find("ldd"))
        let process = try #require(ChildProcess(ldd, [EndToEndTests.program]))
        let libraries = process.read()
        #expect(libraries.contains("libc.so"))
        for name in ["microhttpd", "sqlite", "gnutls"] { #expect(!libraries.contains(name), "\(libraries)") }
    }

    @Test(
        "an address that others reach needs a word, and a wrong one is named",
        arguments: [
            ("--listen 0.0.0.0:8099", "add --password-file FILE, or --open"),
            ("--listen [::]:8099", "add --password-file FILE, or --open"),
            ("--listen 8099", "expected ADDRESS:PORT"), ("--listen localhost:8099", "expected ADDRESS:PORT"),
            ("--listen 127.0.0.1:0", "expected ADDRESS:PORT"), ("--listen ::1:8099", "expected ADDRESS:PORT"),
            ("--name pi,", "expected names of hosts without a port"), ("--name pi,pi:80", "found 'pi,pi:80'"),
        ])
    func refused(words: String, sentence: String) throws {
        let list = ["web"] + words.split(separator: " ").map(String.init) + ["--broker", "127.0.0.1"]
        let process = try #require(ChildProcess(EndToEndTests.program, list))
        let text = process.read()
        #expect(process.exitCode() == 2 && text.contains(sentence), "\(text)")
    }

    @Test("an open page that no other machine reaches says how they would")
    func openLocally() throws {
        let (listener, port) = FreePort.listener()
        close(listener)
        let list = ["web", "--open", "--listen", "127.0.0.1:\(port)", "--broker", "127.0.0.1:1"]
        let process = try #require(ChildProcess(EndToEndTests.program, list))
        let sentence =
            "--open: the page listens on 127.0.0.1 alone; --listen 0.0.0.0:\(port) lets other machines reach it"
        #expect(process.read(until: sentence).contains(sentence))
    }

    @Test(
        "a page's password has to be long enough, and alone in its file",
        arguments: ["short\n", "", "two\nlines here\n"])
    func password(text: String) throws {
        let folder = TemporaryFolder()
        let path = folder.write(text, "password")
        let list = ["web", "--password-file", path, "--broker", "127.0.0.1"]
        let process = try #require(ChildProcess(EndToEndTests.program, list))
        let said = process.read()
        #expect(process.exitCode() == 78 && said.contains("--password-file") && said.contains(path), "\(said)")
    }
}
