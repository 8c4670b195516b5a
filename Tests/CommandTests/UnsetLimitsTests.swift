import BatteryEngine
import Testing

@testable import bms_mqtt

@Suite("Limits that are not set")
struct UnsetLimitsTests {
    private func lines(_ extra: String) throws -> [String] {
        let text = "packs:\n  - id: garage\n    source: serial:auto\n\(extra)"
        return UnsetLimits.lines(try ConfigurationFile.parse(Array(text.utf8), file: "c.yaml").plan.packs)
    }

    @Test("Each unset limit is named with the value that is used instead")
    func unset() throws {
        #expect(
            try lines("    chemistry: lfp\n") == [
                "pack garage: not set: limits.fuse (none), limits.maxChargeCurrent (0.5 C of the capacity is used), "
                    + "limits.maxDischargeCurrent (1 C of the capacity is used), limits.minChargeTemperature (0 °C is used), "
                    + "limits.maxTemperature (55 °C is used)"
            ])
    }

    @Test("While the chemistry is unknown the values of all chemistries are named")
    func auto() throws {
        let line = try #require(
            try lines("    limits: { fuse: 100, maxDischargeCurrent: 5, maxTemperature: 55 }\n").first)
        #expect(
            line == "pack garage: not set: limits.maxChargeCurrent (0.5 C (LTO: 1 C) of the capacity is used), "
                + "limits.minChargeTemperature (0 °C (LTO: -20 °C) is used)")
    }

    @Test("Rates of the file replace the chemistry's")
    func rates() throws {
        let line = try lines("    charging: { rate: 0.25 }\n").first ?? ""
        #expect(line.contains("limits.maxChargeCurrent (0.25 C of the capacity is used)"))
    }

    @Test("With all limits set there is no line")
    func set() throws {
        let limits = "fuse: 9, maxChargeCurrent: 5, maxDischargeCurrent: 5, minChargeTemperature: 0, maxTemperature: 55"
        #expect(try lines("    limits: { \(limits) }\n") == [])
    }

    @Test("the owner is advised where neither a fuse nor both caps bound the currents")
    func advice() throws {
        func texts(_ limits: String) throws -> [String] {
            let text = "mqtt: { host: h }\npacks: [{ id: a, source: serial:auto, chemistry: lfp\(limits) }]\n"
            let packs = try ConfigurationFile.parse(Array(text.utf8), file: "c.yaml").plan.packs
            return packs.flatMap { UnsetLimits.advice($0) }.map(\.text)
        }
        let both = try #require(try texts("").first)
        #expect(
            both.contains(
                "set limits.maxChargeCurrent and limits.maxDischargeCurrent in the configuration: without them 0.5 C and 1 C"
            ))
        let one = try #require(try texts(", limits: { maxChargeCurrent: 50 }").first)
        #expect(one.contains("set limits.maxDischargeCurrent in the configuration: without it 1 C"))
        #expect(try texts(", limits: { maxChargeCurrent: 50, maxDischargeCurrent: 80 }").isEmpty)
        #expect(try texts(", limits: { fuse: 125 }").isEmpty, "a fuse bounds both")
    }
}
