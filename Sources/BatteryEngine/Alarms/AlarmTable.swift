import BMSCore
import ChargeLimits

/// Level of an alarm, with the numbers of GX devices.
public enum AlarmLevel: Int, Comparable, CaseIterable, Sendable {
    /// All is well.
    case none
    /// Somebody should know.
    case warning
    /// Somebody must act.
    case alarm

    /// An order by urgency.
    public static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}

/// Every alarm by its last part of the path, "/Alarms/LowCellVoltage".
package enum AlarmName: String, CaseIterable, Sendable {
    case lowCellVoltage = "LowCellVoltage"
    case highCellVoltage = "HighCellVoltage"
    case lowTemperature = "LowTemperature"
    case highTemperature = "HighTemperature"
    case lowChargeTemperature = "LowChargeTemperature"
    case cellImbalance = "CellImbalance"
    case lowSoc = "LowSoc"
    case bmsCable = "BmsCable"
    case internalFailure = "InternalFailure"
    case relay = "Relay"
}

/// One alarm: its names, its rule, and where it is shown.
package struct AlarmRow: Sendable {
    /// The alarm.
    package var alarm: AlarmName
    /// Key of the Home Assistant entity.
    package var key: String
    /// Name for people, sentence case.
    package var title: String
    /// Batteries that can have it.
    package var isFor: @Sendable (BatteryIdentity) -> Bool = { _ in true }
    /// The alarm is known only while good frames come. Those of the BMS itself are raised by refused ones, too.
    package var needsPack = true
    /// dbus-mqtt-battery takes its key.
    package var isInGXFeed = true
    /// Its changes are lines of the log; where not, the cause has lines of its own.
    package var isLogged = true
    /// Its level for a pack; `nil` while unknown.
    var rule: @Sendable (BatteryReport) -> AlarmLevel?
}

extension AlarmRow {
    /// Last part of the path.
    package var name: String { alarm.rawValue }

    /// Its level; `nil` while unknown. A bank has the worst of its packs.
    package func level(_ report: BatteryReport) -> AlarmLevel? {
        guard let bank = report.bank else { return rule(report) }
        if alarm == .internalFailure, bank.isMismatched { return .alarm }
        let worst = bank.packs.compactMap(rule).max()
        return alarm == .bmsCable ? [worst, bank.unheard].compactMap(\.self).max() : worst
    }
}

/// All alarms, in the order of the documents.
package enum AlarmTable {
    /// A spread that no healthy pack shows, outside the steep ends of the curve as well.
    static let imbalance = Millivolts(200)

    package static let rows: [AlarmRow] = [
        AlarmRow(alarm: .lowCellVoltage, key: "alarm_low_cell_voltage", title: "Low cell voltage", needsPack: false) {
            report in
            bit(report, .cellTooLow, warning: report.readings.map { isLow($0, report) } ?? false)
        },
        AlarmRow(alarm: .highCellVoltage, key: "alarm_high_cell_voltage", title: "High cell voltage", needsPack: false)
        { report in
            bit(report, .cellTooHigh, warning: raised(.highCellVoltage, report) > .none)
        },
        AlarmRow(alarm: .lowTemperature, key: "alarm_low_temperature", title: "Low temperature", needsPack: false) {
            report in
            bit(report, .tooCold, warning: report.keys?.secondStatus?.contains(.tooColdToDischarge) ?? false)
        },
        AlarmRow(alarm: .highTemperature, key: "alarm_high_temperature", title: "High temperature", needsPack: false) {
            report in
            bit(report, .tooWarm, warning: false)
        },
        AlarmRow(
            alarm: .lowChargeTemperature, key: "alarm_low_charge_temperature", title: "Too cold to charge"
        ) { report in
            guard report.freshness.isLive else { return nil }
            let isCold = report.keys?.secondStatus?.contains(.tooColdToCharge) ?? false
            return max(isCold ? .warning : .none, raised(.lowChargeTemperature, report))
        },
        AlarmRow(alarm: .cellImbalance, key: "alarm_cell_imbalance", title: "Cell imbalance") { report in
            report.readings.map { $0.highestVoltage - $0.lowestVoltage >= imbalance ? .warning : .none }
        },
        AlarmRow(alarm: .lowSoc, key: "alarm_low_soc", title: "Low state of charge") { report in
            report.readings.map { $0.soc == 0 ? .alarm : $0.soc <= 5 ? .warning : .none }
        },
        AlarmRow(alarm: .bmsCable, key: "alarm_bms_cable", title: "BMS cable", needsPack: false, isLogged: false) {
            report in
            switch report.freshness {
            case .fresh, .holding: AlarmLevel.none
            case .stale: .warning
            case .lost: .alarm
            case .waiting: nil
            }
        },
        AlarmRow(alarm: .internalFailure, key: "alarm_cell_communication", title: "Internal failure", needsPack: false)
        { report in
            guard let level = bit(report, .noCellCommunication, warning: false) else { return nil }
            return max(
                level, raised(.internalFailure, report),
                report.pack?.latches.contains(.deepDischarge) == true ? .alarm : .none)
        },
        AlarmRow(
            alarm: .relay, key: "alarm_relay", title: "Relay", isFor: { !$0.relays.isEmpty }, needsPack: false,
            isInGXFeed: false,
            isLogged: false
        ) { report in
            report.relays.contains(where: \.isAlarm) ? .alarm : AlarmLevel.none
        },
    ]

    /// The worst of all alarms that are known.
    package static func worst(_ report: BatteryReport) -> AlarmLevel {
        rows.compactMap { $0.level(report) }.max() ?? .none
    }

    /// The worst level at which the bounds of the limits raise an alarm.
    private static func raised(_ alarm: AlarmName, _ report: BatteryReport) -> AlarmLevel {
        let raised = (report.limits?.bounds ?? []).compactMap(\.alarm).filter { $0.name == alarm }
        return raised.map(\.level).max() ?? .none
    }

    private static func bit(_ report: BatteryReport, _ flag: StatusFlags, warning: Bool) -> AlarmLevel? {
        guard let flags = report.flags else { return report.status.refused.contains(flag) ? .alarm : nil }
        return flags.contains(flag) ? .alarm : warning ? .warning : AlarmLevel.none
    }

    private static func isLow(_ live: Readings, _ report: BatteryReport) -> Bool {
        report.keys?.lowVoltage.map { live.lowestVoltage <= $0 } ?? false
    }
}
