import BMSCore
import BatteryEngine
import CANFrames
import Glibc
import LinuxIO
import TestSupport
import TestThreads
import Testing

@testable import CANBus

/// A real adapter is a serial port: here a pseudo terminal, with the adapter's answers given by the test.
@Suite("A CAN bus on a serial adapter", .waits, .timeLimit(.minutes(10)))
struct CANBusLinkTests {
    /// What a link told: the newest figures, and all notices.
    private final class Hearing: Sendable {
        private let newest = Lock(BusFigures(address: ""))
        private let journal = Journal<String>()

        var figures: BusFigures { newest.withLock { $0 } }
        var notices: [String] { journal.all }

        func take(_ figures: BusFigures, _ notices: [Notice]) {
            for notice in notices { journal.add(notice.text) }
            newest.withLock { $0 = figures }
        }
    }

    /// A link at a pseudo terminal, and everything that it wrote.
    private final class Bench {
        let pty = PtyPair()
        let hearing = Hearing()
        let link: CANBusLink
        /// Limits that go on being told.
        let report = CANHarness.running(.pylontech).report
        private(set) var text = ""

        init() throws {
            let link = CANBusLink(try CANAddress("slcan:\(pty.path)"), .pylontech, battery: "pack garage")
            self.link = link
            let hasThread = link.start { [hearing] figures, notices in hearing.take(figures, notices) }
            #expect(hasThread)
        }

        deinit { link.stop(seconds: 5) }

        func tell() { if let report { link.tell(report, isFromFrame: true, at: MonotonicTime.sinceBoot()) } }

        /// Reads until something was written, telling limits meanwhile; `false` after minutes in vain.
        func read(until isDone: (String) -> Bool, answering answer: ((String) -> String?)? = nil) -> Bool {
            let end = Deadline()
            // A command may come in two parts.
            var unanswered = ""
            while !isDone(text) {
                guard !end.isOver else { return false }
                tell()
                guard Poll.wait(for: pty.primary, seconds: 0.05) == .ready else { continue }
                var buffer = [UInt8](repeating: 0, count: 4096)
                let count = Glibc.read(pty.primary, &buffer, buffer.count)
                guard count > 0 else { return false }
                let new = String(decoding: buffer[..<count], as: UTF8.self)
                text += new
                unanswered += new
                if let reply = answer?(unanswered) {
                    pty.write(Array(reply.utf8))
                    unanswered = ""
                }
            }
            return true
        }

        func forget() { text = "" }
    }

    @Test("the channel is opened at 500 kbit/s, a set goes out, the bus is shown, and closed at the end")
    func sets() throws {
        let bench = try Bench()
        #expect(bench.read { $0.contains("t35C2") && $0.components("t35E").count > 2 }, "\(bench.text)")
        #expect(bench.text.hasPrefix("C\rC\rS6\rA0\rO\rF\r"))
        let lines = bench.text.split(separator: "\r").filter { $0.hasPrefix("t") }.map(String.init)
        #expect(lines.first == "t35E850594C4F4E202020")
        #expect(lines.dropFirst().first?.hasPrefix("t3518") == true)
        #expect(bench.read { _ in bench.hearing.figures.state == .sending })
        var settings = bench.pty.settings
        #expect(cfgetospeed(&settings) == speed_t(B115200))
        bench.link.stop(seconds: 5)
        var buffer = [UInt8](repeating: 0, count: 4096)
        let isThere = Poll.wait(for: bench.pty.primary, seconds: 10) == .ready
        let count = isThere ? Glibc.read(bench.pty.primary, &buffer, buffer.count) : 0
        #expect(String(decoding: buffer.prefix(max(0, count)), as: UTF8.self).hasSuffix("C\rC\r"))
    }

    @Test("an inverter's keep-alive and another sender are heard")
    func heard() throws {
        let bench = try Bench()
        #expect(bench.read { $0.contains("t35C2") })
        bench.pty.write(Array("t30580000000000000000\rt35182402F401E803DD01\r".utf8))
        #expect(bench.read { _ in bench.hearing.figures.others == 1 && bench.hearing.figures.hearsInverter == true })
        #expect(bench.hearing.figures.complaint?.contains("somebody else sends") == true)
    }

    @Test(
        "an adapter whose flags say that nobody acknowledges is opened anew before each attempt, until they are clear")
    func flags() throws {
        let bench = try Bench()
        #expect(bench.read(until: { $0.contains("t35C2") }, answering: { $0.contains("F\r") ? "F00\r" : nil }))
        bench.forget()
        expectAttempts(bench) { text, isBad in text.contains("F\r") ? isBad ? "F20\r" : "F00\r" : nil }
    }

    @Test("an adapter that refuses frames is said, and opened anew before each attempt, until it takes them")
    func full() throws {
        let bench = try Bench()
        expectAttempts(bench) { text, isBad in isBad && text.contains("t") ? "\u{07}" : nil }
    }

    /// Expects that a bus is tried with the constant frame alone, on a channel that is opened anew each time, until the adapter is well.
    ///
    /// - Parameter answer: the adapter's answer to a text, while it is bad and afterwards.
    private func expectAttempts(_ bench: Bench, answer: @escaping (_ text: String, _ isBad: Bool) -> String?) {
        func read(_ isBad: Bool, until isDone: (String) -> Bool) -> Bool {
            bench.read(until: isDone, answering: { answer($0, isBad) })
        }
        #expect(read(true) { _ in bench.hearing.figures.state == .unacknowledged })
        bench.forget()
        // Limits would wait in the adapter. On a busy machine an answer of this test may come too late for one attempt.
        #expect(
            read(true) { $0.components("C\rS6\rA0\rO\rt35E").dropFirst().dropLast().contains { !$0.contains("t351") } },
            "\(bench.text)")
        #expect(read(false) { _ in bench.hearing.figures.state == .sending })
        #expect(bench.hearing.notices.count { $0.contains("nobody acknowledges") } == 1)
    }

    @Test("an adapter that is pulled is said, with the remedy")
    func pulled() throws {
        let bench = try Bench()
        #expect(bench.read { $0.contains("t35C2") })
        bench.pty.hangUp()
        let end = Deadline()
        while bench.hearing.figures.state != .closed, !end.isOver { bench.tell() }
        #expect(bench.hearing.figures.state == .closed)
        #expect(
            bench.hearing.notices.contains { $0.contains("was the adapter pulled?") && $0.contains("next attempt") })
    }

    @Test("an interface that is not there is said, with the remedy")
    func noInterface() throws {
        let hearing = Hearing()
        let link = CANBusLink(try CANAddress("can:none0"), .victron, battery: "pack garage")
        let hasThread = link.start { figures, notices in hearing.take(figures, notices) }
        #expect(hasThread)
        let end = Deadline()
        while hearing.notices.isEmpty, !end.isOver { _ = Poll.wait(for: -1, seconds: 0.01) }
        link.stop(seconds: 5)
        // This machine may have no CAN at all.
        #expect(
            hearing.notices.first?.contains("there is no CAN interface") == true
                || hearing.notices.first?.contains("this system has no CAN") == true, "\(hearing.notices)")
        #expect(try CANAddress("can:none0").obstacle != nil)
    }
}

extension String {
    /// The parts between a separator, empty ones included.
    fileprivate func components(_ separator: String) -> [Substring] {
        split(separator: separator, omittingEmptySubsequences: false)
    }
}

@Suite("The address of a CAN bus")
struct CANAddressTests {
    @Test(
        "an address is read, and written as it was",
        arguments: ["can:can0", "can:vcan12", "can:my-bus.1", "slcan:/dev/serial/by-id/usb-x", "slcan:/dev/ttyACM0"])
    func good(text: String) throws { #expect("\(try CANAddress(text))" == text) }

    @Test(
        "a wrong address says what was meant",
        arguments: [
            ("can0", "did you mean can:can0?"), ("/dev/ttyACM0", "did you mean slcan:/dev/ttyACM0?"),
            ("serial:/dev/ttyACM0", "did you mean slcan:/dev/ttyACM0?"),
            ("ttyACM0", "did you mean slcan:/dev/ttyACM0?"),
            ("slcan:ttyUSB0", "did you mean slcan:/dev/ttyUSB0?"), ("can:", "use can:can0"),
            ("can:a/b", "use can:can0"),
            ("can:..", "use can:can0"), ("can:0123456789abcdef", "use can:can0"), ("slcan:", "use can:can0"),
            ("", "use can:can0"),
        ])
    func bad(text: String, hint: String) {
        let error = #expect(throws: CANAddressError.self) { try CANAddress(text) }
        #expect(error?.description.contains(hint) == true, "\(error?.description ?? "")")
    }
}
