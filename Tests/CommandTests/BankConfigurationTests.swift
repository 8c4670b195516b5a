import BMSCore
import SmartBMS
import ChargeLimits
import BatteryEngine
import MQTTBridge
import Testing

@testable import bms_mqtt

@Suite("Banks in the configuration")
struct BankConfigurationTests {
    private func faults(_ text: String) -> [String] {
        do throws(ConfigurationFaults) {
            _ = try ConfigurationFile.parse(Array(text.utf8), file: "c.yaml")
            return []
        } catch {
            return error.lines
        }
    }

    private static func packs(_ extra: [String: String] = [:], ids: [String] = ["a", "b", "c"]) -> String {
        "packs:\n" + ids.map { "  - id: \($0)\n    source: replay:\($0)\n\(extra[$0] ?? "")" }.joined()
    }

    @Test("a bank is read with its packs, its ceilings and its place on the GX")
    func values() throws {
        let text =
            Self.packs() + """
                banks:
                  - id: house
                    name: House battery
                    packs: [a, c]
                    disconnected: [c]
                    limits: { maxChargeCurrent: 120.5, maxDischargeCurrent: 200, fuse: 250 }
                staleness: { stale: 12 }
                """
        let bank = try ConfigurationFile.parse(Array(text.utf8), file: "c.yaml").plan.banks[0].options
        #expect(bank.name == "House battery")
        #expect(bank.packs == ["a", "c"])
        #expect(bank.disconnected == ["c"])
        #expect(bank.limits.maximumChargeCurrent == Milliamperes(120_500))
        #expect(bank.limits.maximumDischargeCurrent == Milliamperes(200_000))
        #expect(bank.limits.fuse == Milliamperes(250_000))
        #expect(bank.limits.freshness.stale == 12_000)
        #expect(bank.gxInstance == 515)
    }

    @Test(
        "each fault names its place and the remedy",
        arguments: [
            ("banks: x\n", "c.yaml:8:8: banks: expected a list"),
            ("banks:\n  - id: house\n", "c.yaml:9:5: a bank without 'packs'"),
            ("banks:\n  - packs: [a, b]\n", "a bank without 'id'"),
            ("banks:\n  - { id: house, packs: [a] }\n", "bank 'house': number of packs: 1: name"),
            ("banks:\n  - { id: house, packs: [] }\n", "number of packs: 0: name"),
            ("banks:\n  - { id: house, packs: a }\n", "packs: expected a list of ids"),
            ("banks:\n  - { id: house, packs: [a, [b]] }\n", "packs: expected the id of a pack, found a list"),
            ("banks:\n  - { id: house, packs: [a, d] }\n", "c.yaml:9:29: bank 'house': no pack 'd'"),
            ("banks:\n  - { id: house, packs: [a, a] }\n", "pack 'a' is named twice"),
            (
                "banks:\n  - { id: x, packs: [a, b] }\n  - { id: y, packs: [b, c] }\n",
                "c.yaml:10:22: pack 'b' is in two banks, 'x' and 'y'"
            ),
            ("banks:\n  - { id: a, packs: [a, b] }\n", "the id 'a' is taken by pack 'a'"),
            (
                "banks:\n  - { id: x-y, packs: [a, b] }\n  - { id: x_y, packs: [c, b] }\n",
                "have the same entity ids in Home Assistant, 'x_y_...'"
            ),
            ("banks:\n  - { id: bridge, packs: [a, b] }\n", "'bridge' is the topic level of the bridge itself"),
            ("banks:\n  - { id: My House, packs: [a, b] }\n", "id: expected 1 to 32 of a-z"),
            ("banks:\n  - { id: house, packs: [a, b], connection: series }\n", "packs in series are refused: the same"),
            ("banks:\n  - { id: house, packs: [a, b], disconnected: [c] }\n", "which is not a pack of this bank"),
            ("banks:\n  - { id: house, packs: [a, b], disconnected: [b, b] }\n", "disconnected names 'b' twice"),
            (
                "banks:\n  - { id: house, packs: [a, b], disconnected: [a, b] }\n",
                "c.yaml:9:47: bank 'house': every pack is disconnected"
            ),
            ("banks: []\n", "banks: expected a list ('- id: ...'), found an empty list"),
            (
                "banks:\n  - { id: x, packs: [a, b] }\n  - { id: y, packs: [x, c] }\n",
                "c.yaml:10:22: bank 'y': 'x' is a bank, and banks do not nest"
            ),
            ("banks:\n  - { id: house, name: \"a\\e[2J\", packs: [a, b] }\n", "name: expected one line"),
            ("banks:\n  - { id: house, pack: [a, b] }\n", "unknown key 'pack': did you mean 'packs'?"),
            (
                "banks:\n  - { id: house, packs: [a, b], limits: { fuse: 0 } }\n",
                "limits.fuse: expected a number of amperes, 1 to"
            ),
            ("banks:\n  - { id: house, packs: [a, d], limits: { fuse: -1 } }\n", "limits.fuse: expected a number"),
            ("banks:\n  - { id: house, packs: [a, d], limits: { fuse: -1 } }\n", "bank 'house': no pack 'd'"),
        ])
    func fault(banks: String, expected: String) {
        let faults = faults(Self.packs() + banks)
        #expect(faults.contains { $0.contains(expected) }, "\(faults)")
    }

    @Test(
        "packs in parallel must be alike, as far as the file describes them",
        arguments: [
            (["a": "    cells: 16\n", "b": "    cells: 15\n"], "cells must be the same"),
            (["a": "    chemistry: lfp\n", "b": "    chemistry: nmc\n"], "chemistry must be the same"),
            (["b": "    temperatureRule: paper\n"], "temperatureRule must be the same"),
        ])
    func unlike(extra: [String: String], expected: String) {
        let faults = faults(Self.packs(extra) + "banks:\n  - { id: house, packs: [a, b] }\n")
        #expect(faults.contains { $0.contains("bank 'house': \(expected)") }, "\(faults)")
        #expect(self.faults(Self.packs(extra) + "banks:\n  - { id: house, packs: [a, c] }\n").count <= 1)
    }

    @Test("ids that are equal, or equal as entity ids in Home Assistant, and equal GX instances are refused")
    func names() {
        #expect(faults(Self.packs(ids: ["my-pack", "my_pack"])).contains { $0.contains("same entity ids") })
        #expect(faults(Self.packs(ids: ["a", "a"])).contains { $0.contains("two packs with the id 'a'") })
        let same = Self.packs(["a": "    gxInstance: 5\n"]) + "banks:\n  - { id: h, packs: [a, b], gxInstance: 5 }\n"
        #expect(faults(same).contains { $0.contains("bank 'h' and pack 'a' have the gxInstance 5") })
    }

    @Test(
        "one source in two spellings is one source",
        arguments: [
            ("tcp:127.0.0.1:1", "tcp:localhost:1"), ("tcp:[::1]:1", "tcp:127.0.0.1:1"),
            ("tcp:Gate.local:1", "tcp:gate.local.:1"), ("tcp:[fe80::1]:1", "tcp:[FE80:0::1]:1"),
            ("serial:/dev/null", "serial:/dev/../dev//null"), ("replay:x", "replay:x@2.0"),
        ])
    func spellings(one: String, other: String) {
        let text = "packs:\n  - { id: a, source: \"\(one)\" }\n  - { id: b, source: \"\(other)\" }\n"
        let expected = "two packs on \(other), which is the same as \(one): one cable is one pack"
        #expect(faults(text).contains { $0.contains(expected) }, "\(faults(text))")
    }

    @Test(
        "sources with similar names are two sources",
        arguments: ["tcp:127.0.0.1:2", "tcp:127.0.0.2:1", "tcp:h2:1", "serial:/dev/zero"])
    func others(other: String) {
        let one = other.hasPrefix("serial") ? "serial:/dev/null" : "tcp:127.0.0.1:1"
        #expect(faults("packs:\n  - { id: a, source: \"\(one)\" }\n  - { id: b, source: \"\(other)\" }\n").isEmpty)
    }

    @Test("a fault of a pack is not reported again for its bank")
    func once() {
        let banks = "banks:\n  - { id: house, packs: [p0, p1] }\n"
        #expect(faults(Self.packs(ids: (0...1_000).map { "p\($0)" }) + banks).count == 1)
        #expect(faults(Self.packs(ids: ["Garage", "b"]) + "banks:\n  - { id: x, packs: [Garage, b] }\n").count == 1)
        let twice = "banks:\n  - { id: x, packs: [a, b] }\n  - { id: x, packs: [a, b] }\n"
        #expect(faults(Self.packs() + twice).allSatisfy { !$0.contains("'x' and 'x'") })
    }

    @Test("a fault is printable and short, whatever the file contains")
    func printable() {
        let name = "\\e[2J" + String(repeating: "x", count: 3_000)
        let faults = faults(Self.packs() + "banks:\n  - { id: house, packs: [a, \"\(name)\"] }\n")
        #expect(!faults.isEmpty && faults.allSatisfy { $0.count < 700 && !$0.contains("\u{1b}") }, "\(faults)")
    }

    @Test("a valid file is summed up in one short line, however many packs it has")
    func summary() throws {
        let few = Self.packs() + "banks:\n  - { id: house, packs: [a, b] }\n"
        let plan = try ConfigurationFile.parse(Array(few.utf8), file: "c.yaml").plan
        #expect(plan.summary == "a from replay:a, b from replay:b, c from replay:c; bank house of a, b")
        let ids = (0..<1_000).map { "p\($0)" }
        let many = Self.packs(ids: ids) + "banks:\n  - { id: house, packs: [\(ids.joined(separator: ", "))] }\n"
        let summary = try ConfigurationFile.parse(Array(many.utf8), file: "c.yaml").plan.summary
        #expect(summary.count < 700 && summary.contains("p19 from replay:p19 and 980 more; bank house of p0, p1"))
    }

    @Test("a byte order mark is not part of the text")
    func byteOrderMark() throws {
        let text = Self.packs() + "banks:\n  - { id: house, packs: [a, b] }\n"
        let plan = try ConfigurationFile.parse([0xEF, 0xBB, 0xBF] + Array(text.utf8), file: "c.yaml").plan
        #expect(plan.banks.count == 1)
    }

    @Test("one cable is one pack, and 1,001 packs are too many")
    func sources() {
        let twice = "packs:\n  - { id: a, source: \"tcp:h:1\" }\n  - { id: b, source: \"tcp:h:1\" }\n"
        #expect(faults(twice).contains { $0.contains("two packs on tcp:h:1: one cable is one pack") })
        let many = Self.packs(ids: (0...1_000).map { "p\($0)" })
        #expect(faults(many).contains { $0.contains("packs: 1001 packs: at most 1000") })
        #expect(faults(Self.packs(ids: (0..<1_000).map { "p\($0)" })).isEmpty)
    }
}
