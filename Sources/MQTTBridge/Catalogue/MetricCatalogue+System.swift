import BMSCore
import ChargeLimits

extension MetricCatalogue {
    static let system: [Metric] = [
        Metric(
            "/System/MinCellVoltage", "V", gx: true, deadband: .within(10),
            entity: .measurement(
                "cell_min", "Lowest cell voltage", "voltage", "V", precision: 3)
        ) { .thousandths($0.live?.lowestVoltage.rawValue, 3) },
        Metric(
            "/System/MaxCellVoltage", "V", gx: true, deadband: .within(10),
            entity: .measurement(
                "cell_max", "Highest cell voltage", "voltage", "V", precision: 3)
        ) { .thousandths($0.live?.highestVoltage.rawValue, 3) },
        Metric("/System/MinVoltageCellId", gx: true, deadband: .heartbeat, entity: .plain("cell_min_id", "Lowest cell"))
        {
            cellName($0.live?.lowestVoltageCell, $0.bank?.lowest)
        },
        Metric(
            "/System/MaxVoltageCellId", gx: true, deadband: .heartbeat, entity: .plain("cell_max_id", "Highest cell")
        ) {
            cellName($0.live?.highestVoltageCell, $0.bank?.highest)
        },
        Metric(
            "/System/MinCellTemperature", "°C", gx: true, deadband: .within(1000),
            entity: .measurement(
                "temperature_min", "Lowest temperature", "temperature", "°C", precision: 1)
        ) { view in .thousandths(view.live?.lowestTemperature.rawValue, 1) },
        Metric(
            "/System/MaxCellTemperature", "°C", gx: true, deadband: .within(1000),
            entity: .measurement(
                "temperature_max", "Highest temperature", "temperature", "°C", precision: 1)
        ) { warmest($0) },
        Metric(
            "/System/MinTemperatureCellId", gx: true, deadband: .heartbeat,
            entity: .plain("temperature_min_id", "Coldest cell")
        ) {
            cellName($0.live?.lowestTemperatureCell, $0.bank?.coldest)
        },
        Metric(
            "/System/MaxTemperatureCellId", gx: true, deadband: .heartbeat,
            entity: .plain("temperature_max_id", "Warmest cell")
        ) {
            cellName($0.live?.highestTemperatureCell, $0.bank?.warmest)
        },
        Metric("/System/NrOfCellsPerBattery", gx: true) { .whole($0.snapshot.settings?.cellCount) },
        Metric("/System/NrOfModulesOnline", gx: true) { .integer($0.bank?.online ?? ($0.freshness.isLive ? 1 : 0)) },
        Metric("/System/NrOfModulesOffline", gx: true) { .integer($0.bank?.offline ?? ($0.freshness.isLive ? 0 : 1)) },
        Metric("/System/NrOfModulesBlockingCharge", gx: true) {
            .integer($0.bank?.blockingCharge ?? ($0.snapshot.chargeAllowed ? 0 : 1))
        },
        Metric("/System/NrOfModulesBlockingDischarge", gx: true) {
            .integer($0.bank?.blockingDischarge ?? ($0.snapshot.dischargeAllowed ? 0 : 1))
        },
        threshold("/System/MinVoltageThreshold", "vmin", "Vmin", enabled: true) {
            $0.snapshot.settings?.minimumVoltage
        },
        threshold("/System/MaxVoltageThreshold", "vmax", "Vmax", enabled: true) {
            $0.snapshot.settings?.maximumVoltage
        },
        threshold("/System/BalanceVoltageThreshold", "vbalance", "Vbalance", enabled: true) {
            $0.snapshot.settings?.balanceVoltage
        },
        threshold("/System/FullVoltageThreshold", "vfull", "Vfull") { $0.keys?.fullVoltage },
        threshold("/System/LowVoltageThreshold", "vlow", "Vlow") { $0.keys?.lowVoltage },
        threshold("/System/NominalVoltageThreshold", "vnominal", "Vnominal") { $0.keys?.nominalVoltage },
        Metric("/Voltages/Sum", "V", gx: true, deadband: .share(50, permille: 1)) {
            .thousandths($0.live?.packVoltage.rawValue, 3)
        },
        Metric(
            "/Voltages/Diff", "V", gx: true, deadband: .within(10),
            entity: .measurement(
                "cell_difference", "Cell difference", "voltage", "V", precision: 3)
        ) { .thousandths($0.live.map { ($0.highestVoltage - $0.lowestVoltage).rawValue }, 3) },
    ]

    static let alarms: [Metric] =
        AlarmTable.rows.map { row in
            Metric(
                "/Alarms/\(row.name)", gx: row.isInGXFeed,
                entity: row.entity,
                isFor: row.isFor
            ) { view in .whole(row.level(view)?.rawValue) }
        } + [
            Metric("/Alarms/Alarm", entity: .binary("alarm", "Alarm", "problem").always) {
                .integer(AlarmTable.worst($0).rawValue)
            }
        ]

    static let inputsOutputs: [Metric] = [
        Metric(
            "/Io/AllowToCharge", gx: true,
            entity: .binary(
                "charge_allowed", "Charging permitted", nil, icon: "mdi:battery-arrow-up")
        ) { view in .flag(view.status?.contains(.chargeAllowed)) },
        Metric(
            "/Io/AllowToDischarge", gx: true,
            entity: .binary(
                "discharge_allowed", "Discharging permitted", nil, icon: "mdi:battery-arrow-down")
        ) { view in .flag(view.status?.contains(.dischargeAllowed)) },
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
        _ value: @escaping @Sendable (PackView) -> Millivolts?
    ) -> Metric {
        Metric(
            path, "V",
            entity: EntityRow(
                key: key, name: name, deviceClass: "voltage", stateClass: "measurement", unit: "V", precision: 3,
                isDiagnostic: true, isEnabled: enabled, expires: false, isOptional: true)
        ) { .thousandths(value($0)?.rawValue, 3) }
    }

    /// "C3", in a bank "garage C3".
    private static func cellName(_ number: Int?, _ pack: String?) -> MetricValue {
        .string(number.map { "\(pack.map { "\($0) " } ?? "")C\($0)" })
    }
}
