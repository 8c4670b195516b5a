import BMSCore
import BatteryEngine
import ChargeLimits

/// Pylontech's low-voltage protocol. P is an open sender (diyBMS), E another (Battery-Emulator), R an open receiver (OpenDTU-OnBattery),
/// F frames that were captured (setfirelabs); each row names those that agree.
enum PylontechTable {
    static let rows: [CANRow] = [
        // P E R F. Eight bytes: F.
        .limits,
        // Bits 7 to 5: R P E. Bits 4 and 3, further requests, have one source each: they stay 0.
        CANRow(
            id: 0x35C, length: 2, title: "permissions",
            fields: [
                CANField(name: "charge", at: 0, kind: .bit(7) { $0.permits(.ccl) }),
                CANField(name: "discharge", at: 0, kind: .bit(6) { $0.permits(.dcl) }),
                CANField(name: "please charge at once", at: 0, kind: .bit(5) { $0.limits?.isChargeRequested }),
            ]),
        // R P F. Two traps: E's mask for a high temperature sets low voltage, too; P has the internal error in the byte of warnings.
        CANRow(
            id: 0x359, length: 7, title: "alarms",
            fields: bits(.alarm, at: 0) + bits(.warning, at: 2) + [
                CANField(
                    name: "packs", at: 4,
                    kind: .number(bytes: 1, isSigned: false, decimals: 0, unit: "") { max(1, $0.modules.online) }),
                CANField(name: "", at: 5, kind: .constant(Array("PN".utf8))),
            ]),
        // P F. Inverters look for this name.
        CANRow(
            id: 0x35E, title: "manufacturer",
            fields: [CANField(name: "name", at: 0, kind: .text(skip: 0) { _ in "PYLON   " })]),
        // P E R F.
        .measured(length: 6),
        // P E R F. A pack that reports no state of health is taken as new.
        CANRow(
            id: 0x355, length: 4, title: "charge",
            fields: [
                .unsigned("SoC", at: 0, "%") { $0.lastReadings?.soc },
                .unsigned("state of health", at: 2, "%") { $0.keys?.stateOfHealth ?? 100 },
            ]),
    ]

    private static func bits(_ level: AlarmLevel, at first: Int) -> [CANField] {
        func bit(_ name: String, _ byte: Int, _ bit: Int, _ alarms: [AlarmName]) -> CANField {
            CANField(name: name, at: first + byte, kind: .bit(bit) { $0.isRaised(alarms, at: level) })
        }
        let word = level == .alarm ? "alarm" : "warning"
        return [
            bit("\(word): high cell voltage", 0, 1, [.highCellVoltage]),
            bit("\(word): low cell voltage", 0, 2, [.lowCellVoltage]),
            bit("\(word): high temperature", 0, 3, [.highTemperature]),
            bit("\(word): low temperature", 0, 4, [.lowTemperature, .lowChargeTemperature]),
            bit("\(word): BMS internal", 1, 3, [.internalFailure, .bmsCable]),
        ]
    }
}
