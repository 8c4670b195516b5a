import BMSCore
import ChargeLimits

/// Level of an alarm, as GX devices count: 0 none, 1 warning, 2 alarm.
enum AlarmLevel: Int, Comparable, Sendable {
    case none
    case warning
    case alarm

    static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}

/// Every alarm by its last part of the path, "/Alarms/LowCellVoltage".
enum AlarmName: String, CaseIterable, Sendable {
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

/// One alarm: where it is shown, what it is called, and when it holds.
struct AlarmRow: Sendable {
    /// Which alarm it is.
    var alarm: AlarmName
    /// Key of the Home Assistant entity.
    var key: String
    /// Name for people, sentence case.
    var title: String
    /// Packs that can have it.
    var isFor: @Sendable (PackOptions) -> Bool = { _ in true }
    /// The alarm is known only while good frames come. Those of the BMS itself are raised by refused ones, too.
    var needsPack = true
    /// dbus-mqtt-battery takes its key.
    var isInGXFeed = true
    /// Its changes are lines of the log; where not, the cause has lines of its own.
    var isLogged = true
    /// Its level for a pack; `nil` while unknown.
    var rule: @Sendable (PackView) -> AlarmLevel?
}

extension AlarmRow {
    /// Last part of the path.
    var name: String { alarm.rawValue }

    /// Its level; `nil` while unknown. A bank has the worst of its packs.
    func level(_ view: PackView) -> AlarmLevel? {
        guard let bank = view.bank else { return rule(view) }
        if alarm == .internalFailure, bank.isMismatched { return .alarm }
        let worst = bank.packs.compactMap(rule).max()
        return alarm == .bmsCable ? [worst, bank.unheard].compactMap(\.self).max() : worst
    }

    /// How Home Assistant shows it.
    var entity: EntityRow {
        let entity = EntityRow.binary(key, title, "problem", diagnostic: true)
        return needsPack ? entity : entity.always
    }
}

/// All alarms, in the order of the documents.
enum AlarmTable {
    /// A spread that no healthy pack shows, outside the steep ends of the curve as well.
    static let imbalance = Millivolts(200)

    static let rows: [AlarmRow] = [
        AlarmRow(alarm: .lowCellVoltage, key: "alarm_low_cell_voltage", title: "Low cell voltage", needsPack: false) {
            view in
            bit(view, .cellTooLow, warning: view.live.map { isLow($0, view) } ?? false)
        },
        AlarmRow(alarm: .highCellVoltage, key: "alarm_high_cell_voltage", title: "High cell voltage", needsPack: false)
        { view in
            bit(view, .cellTooHigh, warning: raised(.highCellVoltage, view) > .none)
        },
        AlarmRow(alarm: .lowTemperature, key: "alarm_low_temperature", title: "Low temperature", needsPack: false) {
            view in
            bit(view, .tooCold, warning: view.keys?.secondStatus?.contains(.tooColdToDischarge) ?? false)
        },
        AlarmRow(alarm: .highTemperature, key: "alarm_high_temperature", title: "High temperature", needsPack: false) {
            view in
            bit(view, .tooWarm, warning: false)
        },
        AlarmRow(
            alarm: .lowChargeTemperature, key: "alarm_low_charge_temperature", title: "Too cold to charge"
        ) { view in
            guard view.freshness.isLive else { return nil }
            let isCold = view.keys?.secondStatus?.contains(.tooColdToCharge) ?? false
            return max(isCold ? .warning : .none, raised(.lowChargeTemperature, view))
        },
        AlarmRow(alarm: .cellImbalance, key: "alarm_cell_imbalance", title: "Cell imbalance") { view in
            view.live.map { $0.highestVoltage - $0.lowestVoltage >= imbalance ? .warning : .none }
        },
        AlarmRow(alarm: .lowSoc, key: "alarm_low_soc", title: "Low state of charge") { view in
            view.live.map { $0.soc == 0 ? .alarm : $0.soc <= 5 ? .warning : .none }
        },
        AlarmRow(alarm: .bmsCable, key: "alarm_bms_cable", title: "BMS cable", needsPack: false, isLogged: false) {
            view in
            switch view.freshness {
            case .fresh, .holding: AlarmLevel.none
            case .stale: .warning
            case .lost: .alarm
            case .waiting: nil
            }
        },
        AlarmRow(alarm: .internalFailure, key: "alarm_cell_communication", title: "Internal failure", needsPack: false)
        { view in
            guard let level = bit(view, .noCellCommunication, warning: false) else { return nil }
            return max(level, raised(.internalFailure, view), view.latches.contains(.deepDischarge) ? .alarm : .none)
        },
        AlarmRow(
            alarm: .relay, key: "alarm_relay", title: "Relay", isFor: { !$0.relays.isEmpty }, needsPack: false,
            isInGXFeed: false,
            isLogged: false
        ) { view in
            view.relays.contains(where: \.isAlarm) ? .alarm : AlarmLevel.none
        },
    ]

    /// The worst of all alarms that are known.
    static func worst(_ view: PackView) -> AlarmLevel {
        rows.compactMap { $0.level(view) }.max() ?? .none
    }

    /// The worst level at which the bounds of the limits raise an alarm.
    private static func raised(_ alarm: AlarmName, _ view: PackView) -> AlarmLevel {
        let raised = (view.limits?.bounds ?? []).compactMap(\.alarm).filter { $0.name == alarm }
        return raised.map(\.level).max() ?? .none
    }

    private static func bit(_ view: PackView, _ flag: StatusFlags, warning: Bool) -> AlarmLevel? {
        guard let status = view.status else { return view.refusedAlarms.contains(flag) ? .alarm : nil }
        return status.contains(flag) ? .alarm : warning ? .warning : AlarmLevel.none
    }

    private static func isLow(_ live: Measurements, _ view: PackView) -> Bool {
        view.keys?.lowVoltage.map { live.lowestVoltage <= $0 } ?? false
    }
}
