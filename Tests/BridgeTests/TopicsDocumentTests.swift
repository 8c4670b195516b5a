@testable import BatteryEngine
@testable import MQTTBridge

import BMSCore
import SmartBMS
import TestSupport
import Testing

@Suite("docs/mqtt-topics.md")
struct TopicsDocumentTests {
    private static let text = Repository.text("docs/mqtt-topics.md")
    private static let lines = text.split(separator: "\n")
    private static let paths = Set(
        lines.compactMap { line -> String? in
            guard line.hasPrefix("| `/"), let end = line.dropFirst(3).firstIndex(of: "`") else { return nil }
            return String(line[line.index(line.startIndex, offsetBy: 3)..<end])
        })

    @Test("The document has every metric with its path, and no other path")
    func metrics() {
        let cells = CellTable.rows.map { $0.path(1) }
        #expect(Self.paths == Set(MetricCatalogue.state.map(\.path) + cells))
    }

    @Test("The document has every metric's unit")
    func units() {
        for metric in MetricCatalogue.state where !metric.unit.isEmpty {
            let row = "| `\(metric.path)` | \(metric.unit) |"
            #expect(Self.lines.contains { $0.hasPrefix(row) }, "\(row)")
        }
    }

    @Test("The document has every deadband")
    func deadbands() {
        let section = Self.lines.drop { $0 != "## Deadbands and heartbeats" }.dropFirst().prefix {
            !$0.hasPrefix("## ")
        }
        let words = Set(section.joined(separator: " ").split(separator: "`").map(String.init))
        let rows = MetricCatalogue.state.filter { $0.deadband != .none }.map(\.path)
        let cells = CellTable.rows.filter { $0.deadband != .none }.map { $0.path(1) }
        #expect(words.filter { $0.hasPrefix("/") } == Set(rows + cells))
    }

    @Test("The document has every setting", arguments: SettingsTable.rows.map(\.name))
    func settings(name: String) { #expect(Self.text.contains("`\(name)`")) }

    @Test("The document has every topic")
    func topics() {
        let topics = Topics(base: "<base>", discoveryPrefix: "homeassistant")
        let all = [
            topics.bridgeStatus, topics.status("<pack>"), topics.state("<pack>"), topics.cells("<pack>"),
            topics.limits("<pack>"), topics.relays("<pack>"), topics.settings("<pack>"),
            topics.set("<pack>", "<setting>"), topics.set("<pack>"), topics.value("<pack>", "<key>"),
            topics.result("<pack>"), topics.event("<pack>"), topics.gx("<pack>"), topics.deviceDiscovery("bms_<pack>"),
            topics.entityDiscovery("<platform>", "bms_<pack>", "<entity>"),
        ]
        for topic in all { #expect(Self.text.contains("| `\(topic)` |"), "\(topic)") }
    }

    @Test("The examples of state and gx have the members of these documents, in their order")
    func examples() {
        let state = MetricCatalogue.state.compactMap(\.keys.last) + ["time"]
        #expect(members("state") == state)
        // The cells are in two groups of their own, which the state document does not have.
        let feed = MetricCatalogue.state.filter { $0.gx != nil }.compactMap(\.keys.last)
        #expect(members("gx").filter { !$0.hasPrefix("Cell") || $0 == "CellImbalance" } == feed)
    }

    /// Names of the values in a section's first JSON example; names of objects are left out.
    private func members(_ section: String) -> [String] {
        let lines = Self.text.split(separator: "\n", omittingEmptySubsequences: false)
        let example = lines.drop { $0 != "## \(section)" }.drop { $0 != "```json" }.dropFirst().prefix { $0 != "```" }
        let pieces = example.joined().split(separator: "\"", omittingEmptySubsequences: false)
        return zip(pieces, pieces.dropFirst()).compactMap { name, rest in
            rest.first == ":" && rest != ":{" ? String(name) : nil
        }
    }
}

@Suite("The worked example of docs/protocol.md")
struct WorkedDocumentExampleTests {
    @Test("The worked example decodes to the document's JSON")
    func decoded() throws {
        let lines = Repository.text("docs/protocol.md").split(separator: "\n", omittingEmptySubsequences: false)
        let blocks = lines.drop { $0 != "## A worked example" }.split { $0.hasPrefix("```") }
        // The blocks are text, the digits, text, the JSON, text.
        try #require(blocks.count == 5)
        let digits = Array(blocks[1].joined())
        let bytes = stride(from: 0, to: digits.count - 1, by: 2).compactMap {
            UInt8(String(digits[$0...($0 + 1)]), radix: 16)
        }
        let now = Timestamp(milliseconds: 0)
        var inspector = FrameInspector()
        inspector.push(bytes)
        let next = inspector.next(at: now)
        let finding = try #require(next)
        let json = FrameReport.json(finding, at: now)
        #expect(String(decoding: json, as: UTF8.self) == blocks[3].joined())
    }
}
