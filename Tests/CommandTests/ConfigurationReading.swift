@testable import bms_mqtt

/// Reading of configurations that stand in a test.
protocol ConfigurationReading {}

extension ConfigurationReading {
    /// The smallest valid configuration.
    static var pack: String { "packs:\n  - id: garage\n    source: serial:auto\n" }

    func load(_ text: String) throws(ConfigurationFaults) -> Configuration {
        try ConfigurationFile.parse(Array(text.utf8), file: "c.yaml")
    }

    /// The lines about faults; none for a valid configuration.
    func faults(_ text: String) -> [String] {
        do throws(ConfigurationFaults) {
            _ = try load(text)
            return []
        } catch {
            return error.lines
        }
    }
}
