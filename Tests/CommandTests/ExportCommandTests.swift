import Testing

@testable import bms_mqtt

@Suite("bms-mqtt export")
struct ExportCommandTests {
    @Test("a time is a day or seconds since 1970, from 2020 on")
    func times() throws {
        let day = try ExportCommand.time("2026-11-30", "--from")
        #expect((1_795_950_000...1_796_090_000).contains(day))
        #expect(try ExportCommand.time("2024-02-29", "--from") == ExportCommand.time("2024-02-28", "--from") + 86_400)
        #expect(try ExportCommand.time("1796034801.5", "--from") == 1_796_034_801.5)
    }

    @Test(
        "a day without hyphens, and one that no month has, are refused with the form of a day",
        arguments: ["20261101", "0", "-5", "2026", "2026-02-31", "2026-02-29", "2026-04-31", "2026-13-01", "nan", ""])
    func refused(text: String) {
        let failure = #expect(throws: CommandFailure.self) { try ExportCommand.time(text, "--from") }
        guard case .usage(let sentence)? = failure else { return #expect(Bool(false)) }
        #expect(sentence.hasPrefix("--from: expected a day like 2026-11-30") && sentence.hasSuffix("found '\(text)'"))
    }
}
