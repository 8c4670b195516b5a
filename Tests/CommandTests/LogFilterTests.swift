import BMSCore
import SmartBMS
import Testing
import ServiceIO

@testable import bms_mqtt

@Suite("Log")
struct LogFilterTests {
    private static let hour: Int64 = 3_600_000

    /// A filter as a class, so that expectations may call it.
    private final class Lines {
        private var filter = LogFilter()

        func admit(_ level: Log.Level, _ text: String, at now: Int64) -> String? { filter.admit(level, text, at: now) }
    }

    @Test("a line that differs only in numbers is logged again after a minute, then two, with a count")
    func repetition() {
        let filter = Lines()
        let said = (0...400).compactMap { second in
            filter.admit(.warning, "no frame for \(second) s", at: Int64(second) * 1000).map { (second, $0) }
        }
        #expect(said.map(\.0) == [0, 60, 180])
        #expect(said.last?.1 == "no frame for 180 s (and 119 times more since it was last logged)")
    }

    @Test("the same line about another pack is logged, even if the ids differ in a number alone")
    func packs() {
        let filter = Lines()
        for id in ["b1", "b2", "garage"] {
            #expect(
                filter.admit(.info, "pack \(id): reading /dev/ttyUSB0", at: 0) == "pack \(id): reading /dev/ttyUSB0")
            #expect(filter.admit(.info, "pack \(id): reading /dev/ttyUSB7", at: 1) == nil)
        }
    }

    @Test("the same line of a bank about another of its packs is logged, too")
    func packsOfBanks() {
        let filter = Lines()
        for id in ["p1", "p2", "p3"] {
            #expect(filter.admit(.warning, "bank house: \(id) is silent: 10 s", at: 0) != nil)
            #expect(filter.admit(.warning, "bank house: \(id) is silent: 11 s", at: 1) == nil)
        }
    }

    @Test("a flood of different lines is cut to a hundred at once and 120 an hour, and the next line counts the others")
    func flood() {
        let filter = Lines()
        func word(_ number: Int) -> String {
            String(number).map { String(UnicodeScalar(UInt8($0.asciiValue ?? 48) + 49)) }.joined()
        }
        var lines: [String] = []
        // A line comes every five seconds for six hours, and each differs in more than numbers.
        for number in 0..<4_320 {
            lines +=
                filter.admit(.warning, "a command for '\(word(number))'", at: Int64(number) * 5_000).map { [$0] } ?? []
        }
        #expect(lines.count <= 100 + 6 * 120)
        #expect(lines.count > 6 * 120)
        #expect(lines.last?.contains("(5 lines before it were left out") == true)
    }

    @Test(
        "a thousand packs that lose their link at once give a hundred lines, and other kinds of lines are still logged")
    func manyPacks() {
        let filter = Lines()
        let said = (1...1000).compactMap { filter.admit(.warning, "pack p\($0): no good frame", at: Int64($0)) }
        #expect(said.count == 100)
        #expect(filter.admit(.warning, "the broker refused the connection", at: 2_000) != nil)
        #expect(filter.admit(.error, "pack p1: worse", at: 2_000) != nil)
        #expect(filter.admit(.info, "1000 packs: in the last hour", at: 2_000) != nil)
    }

    @Test("an hour after a flood its lines are logged again")
    func refilled() {
        let filter = Lines()
        for number in 1...200 { _ = filter.admit(.warning, "pack p\(number): no good frame", at: 0) }
        #expect(filter.admit(.warning, "pack other: no good frame", at: 1_000) == nil)
        #expect(
            filter.admit(.warning, "pack other2: no good frame", at: Self.hour)
                == "pack other2: no good frame (101 lines before it were left out: there were too many)")
    }

    @Test(
        "a logged line is one line of printable text of bounded length",
        arguments: ["\u{1B}[2J", "\n<3>forged", "\r\n", "\u{85}", "\0", "\u{202E}", "\u{2028}"])
    func clean(text: String) throws {
        let filter = Lines()
        let said = filter.admit(.warning, "payload '\(text)'" + String(repeating: "x", count: 100_000), at: 0)
        let line = try #require(said)
        #expect(line.isPlain)
        #expect(line.utf8.count < 2_100)
    }
}
