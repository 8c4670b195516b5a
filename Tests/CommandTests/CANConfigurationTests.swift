import BatteryEngine
import CANBus
import CANFrames
import Testing

@testable import bms_mqtt

@Suite("CAN buses in the configuration")
struct CANConfigurationTests: ConfigurationReading {
    private static func packs(_ ids: [String]) -> String {
        "packs:\n" + ids.map { "  - id: \($0)\n    source: serial:/dev/tty-\($0)\n" }.joined()
    }

    @Test("a bus is read with its protocol and its battery, and the battery knows that it has one")
    func values() throws {
        let text =
            Self.packs(["a", "b"]) + """
                banks: [{ id: house, packs: [a, b] }]
                can:
                  - { interface: can:can0, battery: house }
                  - interface: slcan:/dev/serial/by-id/usb-canable
                    protocol: pylontech
                    battery: a
                """
        let plan = try load(text).plan
        #expect(plan.buses.map(\.address) == [.interface("can0"), .adapter(path: "/dev/serial/by-id/usb-canable")])
        #expect(plan.buses.map(\.kind) == [.victron, .pylontech])
        #expect(plan.buses.map(\.battery) == ["house", "a"])
        #expect(plan.packs.map(\.options.hasBus) == [true, false])
        #expect(plan.banks[0].options.hasBus)
        #expect(
            plan.summary.contains("house on can:can0 (victron), a on slcan:/dev/serial/by-id/usb-canable (pylontech)"))
    }

    @Test("the only battery needs no name")
    func only() throws {
        let plan = try load(Self.packs(["garage"]) + "can: [{ interface: can:can0 }]\n").plan
        #expect(plan.buses == [ServicePlan.Bus(address: .interface("can0"), battery: "garage")])
    }

    @Test(
        "each fault names its place and the remedy",
        arguments: [
            ("can: can0\n", "c.yaml:7:6: can: expected a list of 1 to 16 buses"),
            ("can:\n  - can0\n", "c.yaml:8:5: can: expected keys like 'interface: can:can0'"),
            ("can:\n  - battery: a\n", "c.yaml:8:5: a CAN bus without 'interface'"),
            ("can:\n  - { interface: can0, battery: a }\n", "interface: 'can0' is no CAN bus: did you mean can:can0?"),
            (
                "can:\n  - { interface: can:can0, battery: a, protocol: sma }\n",
                "protocol: expected victron or pylontech"
            ),
            (
                "can:\n  - interface: can:can0\n",
                "c.yaml:8:5: can:can0: no 'battery': name the pack or bank whose limits are told here: a, b"
            ),
            ("can:\n  - { interface: can:can0, battery: c }\n", "c.yaml:8:37: can:can0: no pack or bank 'c'"),
            ("can:\n  - { interface: can:can0, battery: a, bitrate: 250 }\n", "unknown key 'bitrate'"),
            (
                "can:\n  - { interface: can:can0, battery: a }\n  - { interface: can:can0, battery: b }\n",
                "c.yaml:9:5: can:can0 is taken: 'a' is told there; a CAN bus has one battery"
            ),
            (
                "can:\n  - { interface: 'slcan:/dev/tty-a', battery: b }\n",
                "slcan:/dev/tty-a is taken: pack 'a' reads it as serial:/dev/tty-a"
            ),
            ("interface: can:can0\n", "unknown key 'interface': it belongs to a CAN bus, in the list 'can:'"),
            ("cann: []\n", "unknown key 'cann': did you mean 'can'?"),
        ])
    func faults(text: String, sentence: String) {
        let lines = faults(Self.packs(["a", "b"]) + "commands: true\n" + text)
        #expect(lines.count == 1 && lines[0].contains(sentence), "\(lines)")
    }
}
