import BatteryEngine
import MQTTBridge
import Testing

@testable import bms_mqtt

@Suite("Configuration: economy")
struct EconomyConfigurationTests {
    private func bridge(_ publish: String) throws(ConfigurationFaults) -> BridgeOptions {
        let text = "packs:\n  - id: garage\n    source: serial:auto\npublish: { \(publish) }\n"
        return try ConfigurationFile.parse(Array(text.utf8), file: "c.yaml").plan.bridge
    }

    @Test(
        "the economy sets the intervals that the file does not set, within half of the expiry, in any order of the keys",
        arguments: [
            ("economy: normal", 5, 10, 5), ("economy: off", 5, 5, 5), ("economy: low", 10, 14, 14),
            ("limits: 3, economy: low", 10, 14, 3), ("economy: low, state: 0, heartbeat: 6", 0, 6, 14),
            ("expiry: 10", 5, 5, 5), ("expiry: 12, economy: low", 6, 6, 6), ("state: 12", 12, 10, 5),
        ])
    func times(publish: String, state: Int64, heartbeat: Int64, limits: Int64) throws {
        let options = try bridge(publish)
        #expect(options.stateInterval == state * 1000)
        #expect(options.stateHeartbeat == heartbeat * 1000)
        #expect(options.limitsInterval == limits * 1000)
    }

    @Test("a heartbeat that lets documents vanish, or an unknown economy, is a fault")
    func faults() {
        for (publish, text) in [
            ("heartbeat: 8, expiry: 15", "at least twice"), ("economy: mean", "off, normal or low"),
            ("heartbeat: 16", "1 to 15"),
        ] {
            do throws(ConfigurationFaults) {
                _ = try bridge(publish)
                Issue.record("\(publish) was accepted")
            } catch {
                #expect(error.lines.contains { $0.contains(text) }, "\(error.lines)")
            }
        }
    }
}
