import BatteryEngine
import BMSCore
import ChargeLimits

extension MetricCatalogue {
    static let system: [Metric] = [
        Metric(
            "/System/MinCellVoltage", "V", gx: .value, deadband: .within(10),
            entity: .measurement(
                "cell_min", "Lowest cell voltage", "voltage", "V", precision: 3)
        ) { .thousandths($0.readings?.lowestVoltage.rawValue, 3) },
        Metric(
            "/System/MaxCellVoltage", "V", gx: .value, deadband: .within(10),
            entity: .measurement(
                "cell_max", "Highest cell voltage", "voltage", "V", precision: 3)
        ) { .thousandths($0.readings?.highestVoltage.rawValue, 3) },
        Metric(
            "/System/MinVoltageCellId", gx: .value, deadband: .heartbeat,
            entity: .plain("cell_min_id", "Lowest cell", icon: "mdi:arrow-down-bold")
        ) {
            cellName($0.readings?.lowestCell)
        },
        Metric(
            "/System/MaxVoltageCellId", gx: .value, deadband: .heartbeat,
            entity: .plain("cell_max_id", "Highest cell", icon: "mdi:arrow-up-bold")
        ) {
            cellName($0.readings?.highestCell)
        },
        Metric(
            "/System/MinCellTemperature", "°C", gx: .value, deadband: .within(1000),
            entity: .measurement(
                "temperature_min", "Lowest temperature", "temperature", "°C", precision: 1)
        ) { view in .thousandths(view.readings?.lowestTemperature.rawValue, 1) },
        Metric(
            "/System/MaxCellTemperature", "°C", gx: .value, deadband: .within(1000),
            entity: .measurement(
                "temperature_max", "Highest temperature", "temperature", "°C", precision: 1)
        ) { warmest($0) },
        Metric(
            "/System/MinTemperatureCellId", gx: .value, deadband: .heartbeat,
            entity: .plain("temperature_min_id", "Coldest cell", icon: "mdi:thermometer-low")
        ) {
            cellName($0.readings?.coldestCell)
        },
        Metric(
            "/System/MaxTemperatureCellId", gx: .value, deadband: .heartbeat,
            entity: .plain("temperature_max_id", "Warmest cell", icon: "mdi:thermometer-high")
        ) {
            cellName($0.readings?.warmestCell)
        },
        Metric("/System/NrOfCellsPerBattery", gx: .value) { .whole($0.thresholds?.cellCount) },
        Metric("/System/NrOfModulesOnline", gx: .value) { .integer($0.bank?.online ?? ($0.freshness.isLive ? 1 : 0)) },
        Metric("/System/NrOfModulesOffline", gx: .value) {
            .integer($0.bank?.offline ?? ($0.freshness.isLive ? 0 : 1))
        },
        Metric("/System/NrOfModulesBlockingCharge", gx: .value) {
            .integer($0.bank?.blockingCharge ?? ($0.status.chargeAllowed ? 0 : 1))
        },
        Metric("/System/NrOfModulesBlockingDischarge", gx: .value) {
            .integer($0.bank?.blockingDischarge ?? ($0.status.dischargeAllowed ? 0 : 1))
        },
        threshold("/System/MinVoltageThreshold", "vmin", "Vmin", enabled: true) {
            $0.thresholds?.minimumVoltage
        },
        threshold("/System/MaxVoltageThreshold", "vmax", "Vmax", enabled: true) {
            $0.thresholds?.maximumVoltage
        },
        threshold("/System/BalanceVoltageThreshold", "vbalance", "Vbalance", enabled: true) {
            $0.thresholds?.balanceVoltage
        },
        threshold("/System/FullVoltageThreshold", "vfull", "Vfull") { $0.keys?.fullVoltage },
        threshold("/System/LowVoltageThreshold", "vlow", "Vlow") { $0.keys?.lowVoltage },
        threshold("/System/NominalVoltageThreshold", "vnominal", "Vnominal") { $0.keys?.nominalVoltage },
        Metric("/Voltages/Sum", "V", gx: .voltageSum, deadband: .share(50, permille: 1)) {
            .thousandths($0.readings?.voltage.rawValue, 3)
        },
        Metric(
            "/Voltages/Diff", "V", gx: .value, deadband: .within(10),
            entity: .measurement(
                "cell_difference", "Cell difference", "voltage", "V", precision: 3)
        ) { .thousandths($0.readings.map { ($0.highestVoltage - $0.lowestVoltage).rawValue }, 3) },
    ]

    static let alarms: [Metric] = AlarmTable.rows.map(alarm) + [anyAlarm]

    /// The worst of all alarms.
    static let anyAlarm = Metric(
        "/Alarms/Alarm", entity: .binary("alarm", "Alarm", "problem").always, shape: .alarm
    ) {
        .integer(AlarmTable.worst($0).rawValue)
    }

    /// An alarm as a metric.
    static func alarm(_ row: AlarmRow) -> Metric {
        let entity = EntityRow.binary(row.key, row.title, "problem", diagnostic: true)
            .withAttributes([EntityRow.Attribute(name: "level", keys: ["Alarms", row.name])])
        return Metric(
            "/Alarms/\(row.name)", gx: row.isInGXFeed ? (row.alarm == .bmsCable ? .cable : .value) : nil,
            entity: row.needsPack ? entity : entity.always, shape: .alarm, isFor: row.isFor
        ) { .whole(row.level($0)?.rawValue) }
    }

    /// Advice to the owner: quiet, because nothing is wrong with the battery.
    static let advice: [Metric] = [
        Metric(
            "/ToDo/Count",
            entity: .binary("to_do", "To do", "problem", diagnostic: true)
                .withAttributes([EntityRow.Attribute(name: "text", keys: ["ToDo", "Text"])]).always, shape: .whole
        ) { .integer($0.advice.count) },
        Metric("/ToDo/Text", shape: .text) { report in
            report.advice.isEmpty ? .null : .text(report.advice.map(\.text).joined(separator: "\n"))
        },
    ]

    static let inputsOutputs: [Metric] = [
        Metric(
            "/Io/AllowToCharge", gx: .value,
            entity: .binary(
                "charge_allowed", "Charging permitted", nil, icon: "mdi:battery-arrow-up")
        ) { view in .flag(view.flags?.contains(.chargeAllowed)) },
        Metric(
            "/Io/AllowToDischarge", gx: .value,
            entity: .binary(
                "discharge_allowed", "Discharging permitted", nil, icon: "mdi:battery-arrow-down")
        ) { view in .flag(view.flags?.contains(.dischargeAllowed)) },
        Metric(
            "/Io/ChargeRelay",
            entity: .binary(
                "charge_relay", "Charge relay contact", nil, diagnostic: true, icon: "mdi:electric-switch"
            ).optional
        ) { view in .flag(view.keys?.secondStatus?.contains(.chargeRelayClosed)) },
        Metric(
            "/Io/LoadRelay",
            entity: .binary(
                "load_relay", "Load relay contact", nil, diagnostic: true, icon: "mdi:electric-switch"
            ).optional
        ) { view in .flag(view.keys?.secondStatus?.contains(.loadRelayClosed)) },
    ]

    private static func threshold(
        _ path: String, _ key: String, _ name: String, enabled: Bool = false,
        _ value: @escaping @Sendable (BatteryReport) -> Millivolts?
    ) -> Metric {
        Metric(
            path, "V",
            entity: EntityRow(
                key: key, name: name, deviceClass: "voltage", stateClass: "measurement", unit: "V", precision: 3,
                isDiagnostic: true, isEnabled: enabled, expires: false, isOptional: true)
        ) { .thousandths(value($0)?.rawValue, 3) }
    }

    /// "C3", in a bank "garage C3".
    private static func cellName(_ cell: CellPlace?) -> MetricValue {
        .string(cell.map { "\($0.pack.map { "\($0) " } ?? "")C\($0.number)" })
    }
}
