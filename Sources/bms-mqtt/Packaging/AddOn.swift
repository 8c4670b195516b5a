import BMSCore

/// The Home Assistant add-on's files that repeat the configuration table.
enum AddOn {
    /// Options of the bridge.
    static let bridge: [AddOnOption] = ConfigurationTable.keys.flatMap { key in
        (key.path == "mqtt.tls.caFile" ? [AddOnOption.tls] : []) + [AddOnOption(key)].compactMap(\.self)
    }
    /// Options of the page, which are no keys of the configuration.
    static let page = [AddOnOption.web, .webPassword, .webName]
    /// Options of each pack.
    static let pack = PackTable.keys.compactMap { AddOnOption($0) }

    private static let note =
        "# Written by scripts/generate-docs from the configuration table; a test compares. Do not edit by hand.\n"

    /// Text of config.yaml.
    static var configuration: String {
        var text =
            note + """
                name: SmartBMS to MQTT
                version: \(Version.number.inDoubleQuotes)
                slug: bms-mqtt
                description: \("Charge and discharge limits of 123\\SmartBMS battery packs, for Home Assistant and Victron GX".inDoubleQuotes)
                arch: [amd64, aarch64]
                # Before Home Assistant and independent of it: an inverter may follow the limits.
                startup: services
                boot: auto
                init: false
                uart: true
                services: ["mqtt:want"]
                map: ["addon_config:ro", "ssl:ro"]
                # Of the page, which is off by default. No port of the host is taken until its owner chooses one.
                ports:
                  8099/tcp: null
                ports_description:
                  8099/tcp: "Page in the browser (option web)"
                # Seconds for the bridge to end its connection to the broker.
                timeout: 15
                options:
                  packs:
                    - id: battery
                      source: serial:auto
                schema:

                """
        for option in bridge + page { text += "  \(option.path): \(option.schema.inDoubleQuotes)\n" }
        text += "  packs:\n"
        for (index, option) in pack.enumerated() {
            text += "    \(index == 0 ? "-" : " ") \(option.path): \(option.schema.inDoubleQuotes)\n"
        }
        return text
    }

    /// The translation file of a language; an option without words in it is described in English.
    static func translation(_ language: KeyPath<AddOnWords, String>?) -> String {
        let words = { (path: String) -> String? in
            language.flatMap { language in AddOnWords.table[path]?[keyPath: language] }
        }
        var text = note + "configuration:\n"
        for option in bridge + page { text += entry(option.path, words(option.path) ?? option.meaning, indent: "  ") }
        text += entry("packs", words("packs") ?? AddOnWords.packs, indent: "  ") + "    fields:\n"
        for option in pack { text += entry(option.path, words(option.path) ?? option.meaning, indent: "      ") }
        return text
    }

    private static func entry(_ path: String, _ meaning: String, indent: String) -> String {
        "\(indent)\(path):\n\(indent)  name: \(path)\n\(indent)  description: \(meaning.inDoubleQuotes)\n"
    }
}
