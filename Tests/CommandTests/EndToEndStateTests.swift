import BMSCore
import Glibc
import TestSupport
import Testing

@testable import bms_mqtt

/// What survives a reload, a restart and the end of a filter.
extension EndToEndTests {
    @Test("a latch holds over SIGHUP and over kill -9", arguments: [SIGHUP, SIGKILL])
    func latch(signal: Int32) throws {
        let broker = BrokerFixture()
        #expect(broker.start())
        let pty = PtyPair()
        let extra = "    discharging: { reserveSoc: 20 }"
        var bridge = try bridge(broker, source: "serial:\(pty.path)", extra: extra)
        #expect(bridge.read(until: "connected to").contains("connected to"))
        let limits = try subscriber(broker, "bms/garage/limits")
        #expect(frames(pty, until: "\"dcl\":0.0", on: limits) { $0.soc = 20 }.contains("reserve"))
        let file = "\(broker.folder.path)/state/garage.json"
        for _ in 0..<100 where !Repository.read(file).contains("reserve") {
            _ = limits.read(until: "never", seconds: 0.05)
        }
        #expect(Repository.read(file).contains("\"latches\":[\"reserve\"]"))
        bridge.kill(signal)
        if signal == SIGKILL {
            _ = bridge.exitCode()
            bridge = try self.bridge(broker, source: "serial:\(pty.path)", extra: extra)
        }
        // The log says no line twice within a minute.
        let mark = signal == SIGKILL ? "connected to" : "going on with it"
        #expect(bridge.read(until: mark).contains(mark))
        // Without the latch 22 % would be enough.
        let after = frames(pty, until: "charge of 22 %", on: limits) { $0.soc = 22 }
        let line = after.split(separator: "\n").last { $0.contains("charge of 22 %") } ?? ""
        #expect(line.contains("\"dcl\":0.0"), "\(line)")
    }

    @Test("the filter goes on where it stood, by the time of its lines")
    func limitsState() throws {
        let folder = TemporaryFolder()
        let file = folder.write(
            "packs: [{ id: p, source: \"simulator:full\", discharging: { reserveSoc: 20 } }]\n", "c.yaml")
        func run(_ lines: [(t: Int, soc: Int)], state: String?) throws -> [String] {
            let words = ["limits", "--config", file] + (state.map { ["--state", $0] } ?? [])
            let process = try #require(ChildProcess(Self.program, words))
            var answers: [String] = []
            for line in lines {
                let frame = FrameFixture.bytes { $0.soc = line.soc }.map {
                    $0 < 16 ? "0" + String($0, radix: 16) : String($0, radix: 16)
                }
                process.write("{\"t\": \(line.t), \"frame\": \"\(frame.joined())\"}\n")
                answers.append(process.read(until: "]}\n"))
            }
            process.closeInput()
            _ = process.exitCode()
            return answers
        }
        let path = "\(folder.path)/state.json"
        let first = (0..<5).map { (t: $0, soc: 20) }
        let second = (10..<15).map { (t: $0, soc: 22) }
        #expect(try run(first, state: path).last?.contains("\"dcl\":0.0") == true)
        #expect(Repository.read(path).contains("\"savedAt\":4000"))
        #expect(try run(second, state: path).last?.contains("\"dcl\":0.0") == true)
        #expect(Repository.read(path).contains("\"savedAt\":14000"))
        // Without a file the same input has the same output, whatever there was before.
        #expect(try run(second, state: nil) == run(second, state: nil))
        #expect(try run(second, state: nil).last?.contains("\"dcl\":0.0") == false)
        folder.write("{\"version\":9", "state.json")
        #expect(try run(second, state: path).first?.contains("state.json is damaged or of a newer version") == true)
        #expect(Repository.read(path + ".bad") == "{\"version\":9")
    }
}
