import MQTTBridge
import Mosquitto
import TestSupport
import Testing

@testable import bms_mqtt

@Suite("Files of packages")
struct PackageFileTests {
    @Test(
        "The add-on's files equal those made from the configuration table",
        arguments: [
            ("config.yaml", "add-on-config"), ("translations/en.yaml", "add-on-en"),
            ("translations/de.yaml", "add-on-de"), ("translations/nl.yaml", "add-on-nl"),
            ("translations/fr.yaml", "add-on-fr"),
        ])
    func addOn(name: String, file: String) {
        let text = PackageFile.named(file)?.text()
        #expect(Repository.text("packaging/home-assistant-addon/\(name)") == text, "run scripts/generate-docs")
    }

    @Test("docs/schemas has every schema as made from the tables", arguments: DocumentSchema.allCases)
    func schemas(schema: DocumentSchema) {
        #expect(Repository.text("docs/schemas/\(schema.rawValue).json") == schema.text, "run scripts/generate-docs")
    }

    @Test("Every key is an option, except those that the add-on decides, and curves")
    func allKeys() {
        let options = Set((AddOn.bridge + AddOn.pack).map(\.path))
        let keys = ConfigurationTable.keys.map(\.path) + PackTable.keys.map(\.path)
        let missing = Set(keys).subtracting(options)
        #expect(missing == AddOnOption.decided.union(["charging.curve", "discharging.curve"]))
        #expect(options.subtracting(keys) == ["mqtt.tls"])
    }

    @Test("Translated words belong to options that exist")
    func words() {
        let options = Set((AddOn.bridge + AddOn.page + AddOn.pack).map(\.path) + ["packs"])
        #expect(Set(AddOnWords.table.keys).isSubset(of: options))
    }

    @Test("Only the keys that a pack needs are required options")
    func required() {
        let required = (AddOn.bridge + AddOn.page + AddOn.pack).filter { !$0.schema.hasSuffix("?") }.map(\.path)
        #expect(required == ["id", "source"])
    }

    @Test(
        "Configurations in packages and examples are valid",
        arguments: ["packaging/debian/config.yaml", "examples/config-minimal.yaml"])
    func shipped(name: String) throws {
        let configuration = try ConfigurationFile.load(Repository.path(name))
        #expect(configuration.plan.packs.count == 1)
    }

    @Test("The page's configuration in its package is a client's, of a broker on this machine")
    func page() throws {
        let configuration = try ConfigurationFile.load(
            Repository.path("packaging/debian-web/config.yaml"), isClient: true)
        #expect(configuration.plan.link.host == "localhost" && configuration.plan.link.username == nil)
    }

    @Test("The manual page has every command and every option")
    func manual() {
        let page = ManualPage.text
        for row in CommandTable.rows {
            #expect(page.contains(".SS \"\(ManualPage.escaped(row.name)): "))
            for option in row.options { #expect(page.contains(".B \(ManualPage.escaped(option.usage))\n")) }
        }
    }

    @Test(
        "Text has no effect as markup in the manual page",
        arguments: [(".begin", "\\&.begin"), ("'a", "\\&\\(aqa"), ("a\\b", "a\\eb"), ("--x", "\\-\\-x")])
    func escaping(text: String, escaped: String) {
        #expect(ManualPage.escaped(text) == escaped)
    }
}
