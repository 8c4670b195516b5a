import TestSupport
import Testing

@testable import bms_mqtt

@Suite("Command line")
struct CommandLineTests {
    @Test("The README names every command", arguments: CommandTable.rows.map(\.name))
    func readme(name: String) {
        let text = Repository.read("README.md")
        #expect(text.contains("| `bms-mqtt \(name)`") || text.contains(", `\(name)` |"), "\(name)")
    }

    private func parse(_ line: String) throws(UsageError) -> Request {
        try CommandLineParser.parse(line.split(separator: " ").map(String.init))
    }

    @Test(
        "good lines are understood",
        arguments: [
            ("run", "run"), ("run --config ./c.yaml", "run"), ("run --config=./c.yaml", "run"),
            ("--version", "version"),
            ("demo --cells 8 --scenario empty --speed 60 --seconds 5", "demo"), ("decode -", "decode"),
            ("decode file.hex --format raw --strict", "decode"), ("record --port serial:auto out.rec", "record"),
            ("switches --cells 16 --vbalance 3.4 --generation 2", "switches"),
        ])
    func good(line: String, command: String) throws {
        guard case .run(let row, _) = try parse(line) else {
            Issue.record("\(line) is no command")
            return
        }
        #expect(row.name == command)
    }

    @Test("A negative number is a value, and an unknown word of a choice is refused")
    func oddValues() throws {
        guard case .run(_, let arguments) = try parse("set garage maxChargeCurrent -1") else { return }
        #expect(arguments.text("value") == "-1")
        #expect(throws: UsageError.self) { try parse("print-package-file foo") }
        do throws(UsageError) {
            _ = try parse("demo --scenario imbalance")
        } catch {
            #expect(error.text.hasSuffix("found 'imbalance': did you mean 'imbalanced'?"))
        }
    }

    @Test("options keep their values")
    func values() throws {
        guard case .run(_, let arguments) = try parse("demo --cells=8 --speed 2.5 --scenario cold") else { return }
        #expect(arguments.whole("--cells") == 8)
        #expect(arguments.decimal("--speed") == 2.5)
        #expect(arguments.text("--scenario") == "cold")
        #expect(!arguments.has("--seconds"))
    }

    @Test(
        "bad lines get one sentence and the usage",
        arguments: [
            ("", "no command"), ("rum", "did you mean 'run'?"), ("run --confg x", "did you mean '--config'?"),
            ("run --config", "needs a value"), ("run extra", "unexpected argument 'extra'"),
            ("demo --cells 1", "2 to 255"),
            ("demo --cells x", "whole number"), ("demo --speed nan", "0.1 to 1000"),
            ("demo --scenario nigth", "expected tour"),
            ("decode --strict=yes", "takes no value"), ("record out.rec", "--port SOURCE is missing"),
            ("record --port serial:auto", "FILE is missing"), ("run --config a --config b", "given twice"),
            ("help rum", "did you mean 'run'?"),
        ])
    func bad(line: String, text: String) {
        do throws(UsageError) {
            _ = try parse(line)
            Issue.record("\(line) was accepted")
        } catch {
            #expect(error.text.contains(text), "\(error.text)")
            #expect(error.usage.hasPrefix("usage: bms-mqtt"))
        }
    }

    @Test("every command has help with usage, options and an example", arguments: CommandTable.rows.map(\.name))
    func help(name: String) throws {
        for line in ["\(name) --help", "help \(name)", "\(name) -h"] {
            guard case .help(let text) = try parse(line) else {
                Issue.record("no help for \(line)")
                continue
            }
            #expect(text.contains("usage: bms-mqtt \(name)"))
            #expect(text.contains("example"))
            for option in try #require(CommandTable.row(name)).options { #expect(text.contains(option.usage)) }
        }
        guard case .help(let all) = try parse("--help") else { return }
        #expect(all.contains(name))
        #expect(all.contains("78 wrong configuration"))
    }
}
