import BMSCore
import BatteryEngine
import ChargeLimits

/// Victron's CAN-bms. There is no public specification: S is an open sender (diyBMS), C a capture of a battery and Venus OS 3.00
/// (BydCanProtocol), R an open receiver (OpenDTU-OnBattery), B another sender (bsc_fw); each row names those that agree.
enum VictronTable {
    static let rows: [CANRow] = [
        // S C R B.
        .limits,
        // S C R; the third number: SMA's text and the Victron community. A pack that reports no state of health is taken as new.
        CANRow(
            id: 0x355, title: "charge",
            fields: [
                .unsigned("SoC", at: 0, "%") { $0.lastReadings?.soc },
                .unsigned("state of health", at: 2, "%") { $0.keys?.stateOfHealth ?? 100 },
                .unsigned("SoC", at: 4, "%", decimals: 2) { $0.lastReadings.map { $0.soc * 100 } },
            ]),
        // S C R.
        .measured(length: 8),
        // S C R. A capture of a battery that is well has AA everywhere; contactor, short circuit and over-currents are not known to this BMS.
        CANRow(id: 0x35A, title: "alarms", fields: states(.alarm, at: 0) + states(.warning, at: 4) + [offline]),
        // S C R.
        CANRow(id: 0x35E, title: "manufacturer", fields: [text("name") { _ in "123SMART" }]),
        // S C R. The product's number is ours: 0 is not known to a GX.
        CANRow(
            id: 0x35F, title: "identity",
            fields: [
                .unsigned("product", at: 0) { _ in 0 },
                .unsigned("firmware", at: 2) { _ in 0 },
                .unsigned("available", at: 4, "Ah") { BatteryReport.hours($0.lastCharge.stored) },
            ]),
        // R.
        CANRow(
            id: 0x360, title: "request",
            fields: [
                CANField(
                    name: "charge", at: 0,
                    kind: .number(bytes: 1, isSigned: false, decimals: 0, unit: "") {
                        $0.limits.map { $0.isChargeRequested ? 0xFF : 0 }
                    })
            ]),
        // S B.
        CANRow(id: 0x370, title: "name", fields: [text("begins") { $0.name }]),
        CANRow(id: 0x371, title: "name", fields: [text("goes on", skip: 8) { $0.name }]),
        // S C R.
        CANRow(
            id: 0x372, title: "packs",
            fields: [
                .unsigned("online", at: 0) { $0.modules.online },
                .unsigned("taking no charge", at: 2) { $0.modules.noCharge },
                .unsigned("giving none", at: 4) { $0.modules.noDischarge },
                .unsigned("offline", at: 6) { $0.modules.offline },
            ]),
        // S C R. Kelvin are whole: degrees Celsius + 273.
        CANRow(
            id: 0x373, title: "cells",
            fields: [
                .unsigned("lowest", at: 0, "mV") { $0.lastReadings?.lowestVoltage.rawValue },
                .unsigned("highest", at: 2, "mV") { $0.lastReadings?.highestVoltage.rawValue },
                .unsigned("coldest", at: 4, "K") {
                    BatteryReport.degrees($0.lastReadings?.lowestTemperature, kelvin: true)
                },
                .unsigned("warmest", at: 6, "K") {
                    BatteryReport.degrees($0.lastReadings?.highestTemperature, kelvin: true)
                },
            ]),
        // S C R B.
        CANRow(
            id: 0x374, title: "lowest cell", fields: [text("cell") { BatteryReport.name($0.lastReadings?.lowestCell) }]),
        CANRow(
            id: 0x375, title: "highest cell",
            fields: [text("cell") { BatteryReport.name($0.lastReadings?.highestCell) }]),
        CANRow(
            id: 0x376, title: "coldest cell",
            fields: [text("cell") { BatteryReport.name($0.lastReadings?.coldestCell) }]),
        CANRow(
            id: 0x377, title: "warmest cell",
            fields: [text("cell") { BatteryReport.name($0.lastReadings?.warmestCell) }]),
        // C R.
        CANRow(
            id: 0x378, title: "energy",
            fields: [
                .long("charged", at: 0, "kWh", decimals: 1) { BatteryReport.energy($0.history.totals.inAll) },
                .long("discharged", at: 4, "kWh", decimals: 1) { BatteryReport.energy($0.history.totals.outAll) },
            ]),
        // C R.
        CANRow(
            id: 0x379, title: "capacity",
            fields: [.unsigned("installed", at: 0, "Ah") { BatteryReport.hours($0.lastCharge.capacity) }]),
        // R.
        CANRow(id: 0x380, title: "serial", fields: [text("begins") { $0.battery.serial ?? "" }]),
        CANRow(id: 0x381, title: "serial", fields: [text("goes on", skip: 8) { $0.battery.serial ?? "" }]),
        // C.
        CANRow(id: 0x382, title: "product", fields: [text("name") { _ in "SmartBMS" }]),
    ]

    private static func text(_ name: String, skip: Int = 0, _ text: @escaping @Sendable (BatteryReport) -> String)
        -> CANField
    {
        CANField(name: name, at: 0, kind: .text(skip: skip, text))
    }

    /// The states of all alarms at a level. A trap: the comments of S have high and low the wrong way round; its code and C agree.
    private static func states(_ level: AlarmLevel, at first: Int) -> [CANField] {
        func state(_ name: String, _ byte: Int, _ shift: Int, _ alarms: [AlarmName]) -> CANField {
            CANField(name: name, at: first + byte, kind: .state(shift: shift) { $0.isRaised(alarms, at: level) })
        }
        let word = level == .alarm ? "alarm" : "warning"
        return [
            state("\(word) of any kind", 0, 0, AlarmName.allCases.filter { $0 != .relay && $0 != .lowSoc }),
            state("\(word): high cell voltage", 0, 2, [.highCellVoltage]),
            state("\(word): low cell voltage", 0, 4, [.lowCellVoltage]),
            state("\(word): high temperature", 0, 6, [.highTemperature]),
            state("\(word): low temperature", 1, 0, [.lowTemperature]),
            state("\(word): too cold to charge", 1, 4, [.lowChargeTemperature]),
            state("\(word): BMS internal", 2, 6, [.internalFailure, .bmsCable]),
            state("\(word): imbalance", 3, 0, [.cellImbalance]),
        ]
    }

    /// S C: 01 while the battery is not in operation, 10 while it is.
    private static let offline = CANField(name: "offline", at: 7, kind: .state(shift: 2) { !$0.freshness.isLive })
}
