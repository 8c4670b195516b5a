@testable import BMSCore
@testable import SmartBMS
import TestSupport
import Testing

@Suite("docs/protocol.md")
struct ProtocolDocumentTests {
    private static let text = Repository.text("docs/protocol.md")
    private static let rows = text.split(separator: "\n").filter { $0.hasPrefix("| ") }

    @Test("The frame table equals the layout table")
    func fields() {
        for field in FrameLayout.fields {
            let unit = field.scale == 1 ? "\(field.unit)" : "\(field.scale) \(field.unit)"
            let row = "| \(field.offset) | \(field.length) | \(field.name) | \(unit) |"
            #expect(Self.rows.contains { $0.hasPrefix(row) }, "\(row)")
        }
    }

    @Test(
        "The document has every key, with the keys that belong to the same value",
        arguments: [
            (KeyLayout.stateOfHealth, "state of health"), (KeyLayout.chargeEfficiency, "charge efficiency"),
            (KeyLayout.lowVoltage, "V-low"), (KeyLayout.nominalVoltage, "V-nominal"),
            (KeyLayout.firmware, "firmware"), (KeyLayout.cycles, "cycles"),
            (KeyLayout.chargedEnergy, "charged energy"), (KeyLayout.dischargedEnergy, "discharged energy"),
            (KeyLayout.secondStatus, "status 2"), (KeyLayout.fullVoltage, "V-full"),
        ])
    func keys(numbers: ClosedRange<Int>, value: String) {
        let row = "| \(numbers.map(String.init).joined(separator: ", ")) | \(value) |"
        #expect(Self.rows.contains { $0.hasPrefix(row) }, "\(row)")
    }

    @Test("The document has every check with its meaning and the key that loosens it", arguments: Rejection.allCases)
    func checks(rejection: Rejection) {
        let keys = rejection.configurationKey.map { keys in
            keys.split(separator: ", ").map { "`\($0)`" }.joined(separator: ", ")
        }
        let row = "| `\(rejection.rawValue)` | \(rejection.meaning) | \(keys ?? "none: ")"
        #expect(Self.rows.contains { $0.hasPrefix(row) }, "\(row)")
    }
}
