import BatteryEngine
import BMSCore
import ChargeLimits

/// All metrics of a pack, in the order of the documents; rows that share a first name stand together.
enum MetricCatalogue {
    /// Rows of the `state` document.
    static let state: [Metric] =
        electrical + flows + charge + energy + system + alarms + advice + inputsOutputs + info + history + identity
        + link + can

    /// Rows whose entity is announced only when it has had a value.
    static let optional = state.filter { $0.entity?.isOptional ?? false }

    static let electrical: [Metric] = [
        Metric(
            "/Dc/0/Voltage", "V", gx: .voltage, deadband: .share(50, permille: 1),
            entity: .measurement("voltage", "Voltage", "voltage", "V", precision: 2)
        ) { view in
            // 5 mV steps: the third decimal only where the wire has one.
            .thousandths(
                view.readings?.voltage.rawValue, (view.readings?.voltage.rawValue ?? 0).isMultiple(of: 10) ? 2 : 3)
        },
        Metric(
            "/Dc/0/Current", "A", gx: .current, deadband: .share(500, permille: 20),
            entity: .measurement(
                "current", "Current", "current", "A", precision: 1
            ).optional
        ) { .thousandths($0.readings?.current?.rawValue, 3) },
        Metric(
            "/Dc/0/Power", "W", gx: .power, deadband: .share(25_000, permille: 20),
            entity: .measurement("power", "Power", "power", "W", precision: 0).optional
        ) { .thousandths($0.charge?.power?.rawValue, 1) },
        Metric("/Dc/0/Temperature", "°C", gx: .value, deadband: .within(1000)) { warmest($0) },
        Metric(
            "/Dc/In/Current", "A", deadband: .share(500, permille: 20),
            entity: .measurement(
                "current_in", "Inflow current", "current", "A", precision: 1
            ).optional
        ) { .thousandths($0.readings?.chargerCurrent?.rawValue, 3) },
        Metric(
            "/Dc/In/Power", "W", deadband: .share(25_000, permille: 20),
            entity: .measurement("power_in", "Inflow power", "power", "W", precision: 0).optional
        ) { sensorPower($0) { $0.chargerCurrent } },
        Metric(
            "/Dc/Out/Current", "A", deadband: .share(500, permille: 20),
            entity: .measurement(
                "current_out", "Outflow current", "current", "A", precision: 1
            ).optional
        ) { .thousandths($0.readings?.loadCurrent?.rawValue, 3) },
        Metric(
            "/Dc/Out/Power", "W", deadband: .share(25_000, permille: 20),
            entity: .measurement("power_out", "Outflow power", "power", "W", precision: 0).optional
        ) { sensorPower($0) { $0.loadCurrent } },
    ]

    static let flows: [Metric] = [
        Metric(
            "/Dc/0/Charging", entity: .binary("charging", "Charging", "battery_charging").optional.disabled
        ) { flow($0, .charging) },
        Metric(
            "/Dc/0/Discharging", entity: .binary("discharging", "Discharging", "running").optional.disabled
        ) { flow($0, .discharging) },
        Metric(
            "/Dc/0/Direction",
            entity: .plain(
                "status", "Status", diagnostic: false, icon: "mdi:battery-sync",
                options: EntityRow.EnumState.named(CurrentDirection.allCases.map(\.rawValue))
            ).optional
        ) { .string($0.direction?.rawValue) },
    ]

    static let charge: [Metric] = [
        Metric("/Soc", "%", gx: .soc, entity: .measurement("soc", "State of charge", "battery", "%", precision: 0)) {
            .whole($0.readings?.soc)
        },
        Metric(
            "/SocCalibrated",
            entity: .binary("soc_calibrated", "Calibrated", nil, diagnostic: true, icon: "mdi:check-decagram")
        ) { .flag($0.readings?.isSocCalibrated) },
        Metric(
            "/Soh", "%", gx: .value,
            entity: .measurement(
                "soh", "State of health", nil, "%", precision: 0, diagnostic: true, icon: "mdi:battery-heart-variant"
            ).optional
        ) { .whole($0.keys?.stateOfHealth) },
        Metric(
            "/ChargeEfficiency", "%",
            entity: .measurement(
                "charge_efficiency", "Charge efficiency", nil, "%", precision: 0, diagnostic: true, icon: "mdi:percent"
            ).optional
        ) { .whole($0.keys?.chargeEfficiency) },
        Metric("/Capacity", "Ah", gx: .value, deadband: .share(500, permille: 5)) {
            .thousandths($0.charge?.stored?.rawValue, 1)
        },
        Metric("/InstalledCapacity", "Ah", gx: .value) { view in
            .thousandths(view.lastCharge.capacity.map { ($0.rawValue + 500) / 1000 * 1000 }, 0)
        },
        Metric("/ConsumedAmphours", "Ah", gx: .value, deadband: .share(500, permille: 5)) {
            .thousandths($0.charge?.consumed?.rawValue, 1)
        },
        Metric(
            "/TimeToGo", "s", gx: .value, deadband: .share(60_000, permille: 100),
            entity: .measurement(
                "time_to_go", "Time to go", "duration", "h", precision: 1
            ).divided(by: 3600).optional
        ) { .whole($0.charge?.timeToGo) },
        Metric("/State", gx: .value) { view in
            // GX: 9 running, 10 error, 11 unknown.
            guard view.freshness.isLive else { return .integer(11) }
            return .integer(view.status.alarms.contains(.noCellCommunication) ? 10 : 9)
        },
        Metric("/Connected", shape: .flag) { .flag($0.freshness.isLive) },
        Metric("/ErrorCode") { .integer($0.freshness.isLive ? 0 : 1) },
    ]

    static let energy: [Metric] = [
        Metric(
            "/Energy/Stored", "kWh", deadband: .within(50),
            entity: .measurement(
                "energy_stored", "Stored energy", "energy_storage", "kWh", precision: 2)
        ) { .thousandths($0.readings?.energyStored.rawValue, 3) },
        Metric(
            "/Energy/Installed", "kWh",
            entity: .measurement(
                "energy_installed", "Installed energy", "energy_storage", "kWh", precision: 1, diagnostic: true)
        ) { .thousandths($0.thresholds?.capacity.rawValue, 1) },
        Metric(
            "/Energy/InToday", "kWh", deadband: .within(50),
            entity: .total(
                "energy_in_today", "Energy in today", "energy", "kWh", precision: 2)
        ) { total($0) { $0.inToday } },
        Metric(
            "/Energy/OutToday", "kWh", deadband: .within(50),
            entity: .total(
                "energy_out_today", "Energy out today", "energy", "kWh", precision: 2)
        ) { total($0) { $0.outToday } },
        Metric(
            "/Energy/In", "kWh", entity: .total("energy_in", "Energy in", "energy", "kWh", precision: 0),
            isCounter: true
        ) {
            total($0, 0) { $0.inAll }
        },
        Metric(
            "/Energy/Out", "kWh", entity: .total("energy_out", "Energy out", "energy", "kWh", precision: 0),
            isCounter: true
        ) {
            total($0, 0) { $0.outAll }
        },
    ]

    private static func total(
        _ view: BatteryReport, _ decimals: Int = 3, _ counter: (EnergyTotals) -> WattHours?
    ) -> MetricValue { view.readings == nil ? .null : .thousandths(counter(view.history.totals)?.rawValue, decimals) }

    private static func flow(_ view: BatteryReport, _ direction: CurrentDirection) -> MetricValue {
        .flag(view.direction.map { $0 == direction })
    }

    static func warmest(_ view: BatteryReport) -> MetricValue {
        .thousandths(view.readings?.highestTemperature.rawValue, 1)
    }

    private static func sensorPower(_ view: BatteryReport, _ sensor: (Readings) -> Milliamperes?) -> MetricValue {
        guard let live = view.readings, let current = sensor(live) else { return .null }
        return .thousandths(Milliwatts(live.voltage, current).rawValue, 1)
    }
}
