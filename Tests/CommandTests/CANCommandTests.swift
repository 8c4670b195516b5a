import TestSupport
import TestThreads
import Testing

@Suite("CAN frames at the command line", .waits, .timeLimit(.minutes(10)))
struct CANCommandTests {
    private static let program = EndToEndTests.program

    /// Runs the command with some input to its end.
    private func run(_ words: [String], _ input: String) throws -> (text: String, code: Int32?) {
        let process = try #require(ChildProcess(Self.program, ["can"] + words))
        process.write(input)
        process.closeInput()
        let text = process.read()
        return (text, process.exitCode())
    }

    private static func line(_ second: Int) -> String {
        let frame = FrameFixture.bytes().map { $0 < 16 ? "0" + String($0, radix: 16) : String($0, radix: 16) }
        return "{\"t\": \(second), \"frame\": \"\(frame.joined())\"}\n"
    }

    @Test("frames become frames of CAN, silence becomes none, and bad lines are named")
    func shown() throws {
        let silence = "{\"t\": 120, \"frame\": null}\n"
        let result = try run([], Self.line(0) + Self.line(1) + "nonsense\n" + silence)
        #expect(result.code == 0)
        #expect(result.text.contains("(1.000000) can0 351#"))
        #expect(result.text.contains("(1.000000) can0 382#"))
        #expect(!result.text.contains("(120.000000)"))
        #expect(result.text.contains("line 3: not a JSON object"))
        #expect(
            try run(["--protocol", "pylontech"], Self.line(0) + Self.line(1)).text.contains("35E#50594C4F4E202020"))
    }

    @Test("frames of a bus are put into words, and what is none of ours is said to be none")
    func explained() throws {
        let result = try run(["--decode", "-"], "can0 351 [8] 48 02 00 05 00 05 AE 01\n\n7FF#00\n351#48\nxyz\n")
        #expect(result.code == 0)
        #expect(
            result.text.contains("351#480200050005AE01  limits: CVL 58.4 V, CCL 128.0 A, DCL 128.0 A, lowest 43.0 V\n"))
        #expect(result.text.contains("7FF#00  not a frame of victron, or too short for it\n"))
        #expect(result.text.contains("351#48  not a frame of victron, or too short for it\n"))
        #expect(result.text.contains("line 5: no data frame with an 11-bit identifier"))
    }

    @Test(
        "options that contradict each other are refused",
        arguments: [
            (["--pack", "x"], "--pack needs the file"),
            (["--decode", "--config", "x"], "--decode reads frames of a bus"),
            (["--decode", "--print"], "--decode reads frames of a bus"),
            (["--protocol", "sma"], "victron, pylontech"),
        ])
    func refused(words: [String], sentence: String) throws {
        let result = try run(words, "")
        #expect(result.code == 2)
        #expect(result.text.contains(sentence), "\(result.text)")
    }
}
