import BatteryEngine
import JSON
import TestSupport
import Testing

@testable import MQTTBridge

@Suite("Dashboards of Home Assistant")
struct DashboardTests {
    private func pack(_ id: String, _ language: Language = .en, cells: Int? = nil, relays: [String] = []) -> String {
        Dashboard(pack: id, name: "The \"big\" one", language: language, cells: cells, relays: relays).yaml
    }

    @Test("no mark is left, in any language", arguments: Language.allCases)
    func marks(language: Language) {
        for yaml in [
            pack("cellar-2", language, relays: ["pump"]), pack("cellar-2", language, cells: 20),
            Dashboard(bank: "house", name: "House", language: language, packs: ["cellar-2", "attic"]).yaml,
        ] {
            for mark in ["[[", "]]", "{id}", "{keys}", "{relay}", "{pack}", "{name}", "{banner}", "{end}", "garage"] {
                #expect(!yaml.contains(mark), "\(mark)")
            }
            #expect(yaml.contains("sensor.\(yaml.contains("House") ? "house" : "cellar_2")_ccl_reason"))
            #expect(!yaml.contains("\t"))
        }
    }

    @Test("the name is quoted, and the number of cells counts where it is given")
    func parts() {
        #expect(pack("a").contains("title: \"The \\\"big\\\" one\""))
        let accent = Dashboard(pack: "a", name: "x\"\u{301}", language: .en).yaml
        #expect(accent.unicodeScalars.count { $0 == "\"" } == pack("a").unicodeScalars.count { $0 == "\"" } - 2)
        for name in ["[[Load", "{id} {keys} [[Load]]"] {
            let yaml = Dashboard(pack: "a", name: name, language: .de).yaml
            #expect(yaml.contains("heading: \"\(name)\", icon: mdi:home-battery"), "\(name)")
        }
        #expect(pack("a", cells: 20).contains("range(1, 21)") && pack("a", cells: 20).contains("a_cell_%03d_voltage"))
        #expect(pack("a").contains("a_cell_[0-9]+_voltage"))
        #expect(pack("a", relays: ["heat-pump"]).contains("select.a_relay_heat_pump"))
        #expect(!pack("a").contains("[[Relays"))
        let bank = Dashboard(bank: "house", name: "House", language: .en, packs: ["a", "b"]).yaml
        #expect(bank.contains("sensor.b_soc") && !bank.contains("cell_[0-9]") && !bank.contains("number.house"))
    }

    @Test("every entity that a dashboard names is announced")
    func entities() throws {
        var harness = BridgeHarness()
        harness.frames(140)
        let rows = Set(MetricCatalogue.state.compactMap { $0.entity?.key } + ["link"])
        let settings = Set(SettingsTable.rows.map(\.key))
        for match in pack("garage").matches(of: /(?:sensor|number|switch|select|text|button)\.garage_([a-z0-9_]+)/) {
            let key = String(match.output.1)
            #expect(rows.contains(key) || settings.contains(key) || key.hasSuffix("_"), "\(key)")
        }
    }

    @Test("the examples are what the command prints")
    func examples() {
        let bank = Dashboard(bank: "house", name: "house", language: .en, packs: ["garage", "cellar"]).yaml
        let files = [
            ("dashboard.yaml", Dashboard(pack: "garage", name: "garage", language: .en).yaml),
            ("dashboard-bank.yaml", bank),
        ]
        for (file, yaml) in files {
            let lines = Repository.lines("examples/home-assistant/\(file)")
            #expect(
                lines == yaml.split(separator: "\n", omittingEmptySubsequences: false).dropLast().map(String.init),
                "scripts/generate-docs writes \(file)")
        }
    }
}
