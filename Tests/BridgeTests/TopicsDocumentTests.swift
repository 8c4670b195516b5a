@testable import MQTTBridge

import TestSupport
import Testing

@Suite("docs/mqtt-topics.md")
struct TopicsDocumentTests {
    private static let text = Repository.text("docs/mqtt-topics.md")
    private static let paths = Set(
        text.split(separator: "\n").compactMap { line -> String? in
            guard line.hasPrefix("| `/"), let end = line.dropFirst(3).firstIndex(of: "`") else { return nil }
            return String(line[line.index(line.startIndex, offsetBy: 3)..<end])
        })

    @Test("Every metric stands there with its path, and no other path does")
    func metrics() {
        let cells = CellTable.rows.map { $0.path(1) }
        #expect(Self.paths == Set(MetricCatalogue.state.map(\.path) + cells))
    }

    @Test("Every topic stands there")
    func topics() {
        let topics = Topics(base: "<base>", discoveryPrefix: "homeassistant")
        let all = [
            topics.bridgeStatus, topics.status("<pack>"), topics.state("<pack>"), topics.cells("<pack>"),
            topics.limits("<pack>"), topics.event("<pack>"), topics.gx("<pack>"), topics.deviceDiscovery("bms_<pack>"),
        ]
        for topic in all { #expect(Self.text.contains("| `\(topic)` |"), "\(topic)") }
    }
}
