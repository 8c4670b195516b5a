import BMSCore
import ChargeLimits

/// All metrics of a pack, in the order of the documents; rows that share a first name stand together.
enum MetricCatalogue {
    /// Rows of the `state` document.
    static let state: [Metric] =
        electrical + flows + charge + energy + system + alarms + inputsOutputs + info + history + identity + link

    /// Rows whose entity is announced only when it has had a value.
    static let optional = state.filter { $0.entity?.isOptional ?? false }

    static let electrical: [Metric] = [
        Metric(
            "/Dc/0/Voltage", "V", gx: true, deadband: .share(50, permille: 1),
            entity: .measurement("voltage", "Voltage", "voltage", "V", precision: 2, icon: "mdi:current-dc")
        ) { view in
            // 5 mV steps: the third decimal only where the wire has one.
            .thousandths(
                view.live?.packVoltage.rawValue, (view.live?.packVoltage.rawValue ?? 0).isMultiple(of: 10) ? 2 : 3)
        },
        Metric(
            "/Dc/0/Current", "A", gx: true, deadband: .share(500, permille: 20),
            entity: .measurement(
                "current", "Current (+ charging)", "current", "A", precision: 1, icon: "mdi:current-dc"
            ).optional
        ) { .thousandths($0.live?.current?.rawValue, 3) },
        Metric(
            "/Dc/0/Power", "W", gx: true, deadband: .share(25_000, permille: 20),
            entity: .measurement("power", "Power (+ charging)", "power", "W", precision: 0).optional
        ) { .thousandths($0.power?.rawValue, 1) },
        Metric("/Dc/0/Temperature", "°C", gx: true, deadband: .within(1000)) { warmest($0) },
        Metric(
            "/Dc/In/Current", "A", deadband: .share(500, permille: 20),
            entity: .measurement(
                "current_in", "Inflow current", "current", "A", precision: 1, icon: "mdi:current-dc"
            ).optional
        ) { .thousandths($0.live?.chargerCurrent?.rawValue, 3) },
        Metric(
            "/Dc/In/Power", "W", deadband: .share(25_000, permille: 20),
            entity: .measurement("power_in", "Inflow power", "power", "W", precision: 0).optional
        ) { sensorPower($0) { $0.chargerCurrent } },
        Metric(
            "/Dc/Out/Current", "A", deadband: .share(500, permille: 20),
            entity: .measurement(
                "current_out", "Outflow current", "current", "A", precision: 1, icon: "mdi:current-dc"
            ).optional
        ) { .thousandths($0.live?.loadCurrent?.rawValue, 3) },
        Metric(
            "/Dc/Out/Power", "W", deadband: .share(25_000, permille: 20),
            entity: .measurement("power_out", "Outflow power", "power", "W", precision: 0).optional
        ) { sensorPower($0) { $0.loadCurrent } },
    ]

    static let flows: [Metric] = [
        Metric(
            "/Dc/0/Charging", entity: .binary("charging", "Charging", "battery_charging").optional
        ) { flow($0, 1) },
        Metric("/Dc/0/Discharging", entity: .binary("discharging", "Discharging", "power").optional) { flow($0, -1) },
    ]

    static let charge: [Metric] = [
        Metric("/Soc", "%", gx: true, entity: .measurement("soc", "State of charge", "battery", "%", precision: 0)) {
            .whole($0.live?.soc)
        },
        Metric(
            "/SocCalibrated",
            entity: .binary("soc_calibrated", "State of charge calibrated", nil, diagnostic: true)
        ) { .flag($0.live?.isSocCalibrated) },
        Metric(
            "/Soh", "%", gx: true,
            entity: .measurement(
                "soh", "State of health", nil, "%", precision: 0, diagnostic: true, icon: "mdi:battery-heart-variant"
            ).optional
        ) { .whole($0.keys?.stateOfHealth) },
        Metric(
            "/ChargeEfficiency", "%",
            entity: .measurement(
                "charge_efficiency", "Charge efficiency", nil, "%", precision: 0, diagnostic: true
            ).optional
        ) { .whole($0.keys?.chargeEfficiency) },
        Metric("/Capacity", "Ah", gx: true, deadband: .share(500, permille: 5)) {
            .thousandths($0.storedCharge?.rawValue, 1)
        },
        Metric("/InstalledCapacity", "Ah", gx: true) { view in
            .thousandths(view.snapshot.capacity.map { ($0.rawValue + 500) / 1000 * 1000 }, 0)
        },
        Metric("/ConsumedAmphours", "Ah", gx: true, deadband: .share(500, permille: 5)) {
            .thousandths($0.consumedCharge?.rawValue, 1)
        },
        Metric(
            "/TimeToGo", "s", gx: true, deadband: .share(60_000, permille: 100),
            entity: .measurement(
                "time_to_go", "Time to go", "duration", "s", precision: 0
            ).optional
        ) { .whole($0.timeToGo) },
        Metric("/State", gx: true) { view in
            // GX: 9 running, 10 error, 11 unknown.
            guard view.freshness.isLive else { return .integer(11) }
            return .integer(view.snapshot.alarms.contains(.noCellCommunication) ? 10 : 9)
        },
        Metric("/Connected") { .flag($0.freshness.isLive) },
        Metric("/ErrorCode") { .integer($0.freshness.isLive ? 0 : 1) },
    ]

    static let energy: [Metric] = [
        Metric(
            "/Energy/Stored", "kWh", deadband: .within(50),
            entity: .measurement(
                "energy_stored", "Stored energy", "energy_storage", "kWh", precision: 2)
        ) { .thousandths($0.live?.energyStored.rawValue, 3) },
        Metric(
            "/Energy/Installed", "kWh",
            entity: .measurement(
                "energy_installed", "Installed energy", "energy_storage", "kWh", precision: 1, diagnostic: true)
        ) { .thousandths($0.snapshot.settings?.capacity.rawValue, 1) },
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
        Metric("/Energy/In", "kWh", entity: .total("energy_in", "Energy in", "energy", "kWh", precision: 0)) {
            total($0, 0) { $0.inAll }
        },
        Metric("/Energy/Out", "kWh", entity: .total("energy_out", "Energy out", "energy", "kWh", precision: 0)) {
            total($0, 0) { $0.outAll }
        },
    ]

    private static func total(
        _ view: PackView, _ decimals: Int = 3, _ counter: (EnergyTotals) -> WattHours?
    ) -> MetricValue { view.live == nil ? .null : .thousandths(counter(view.totals)?.rawValue, decimals) }

    /// Some current flows, beyond what a sensor shows at rest.
    private static func flow(_ view: PackView, _ sign: Int) -> MetricValue {
        .flag(view.live?.current.map { $0.rawValue * sign >= 500 })
    }

    static func warmest(_ view: PackView) -> MetricValue {
        .thousandths(view.live?.highestTemperature.rawValue, 1)
    }

    private static func sensorPower(_ view: PackView, _ sensor: (Measurements) -> Milliamperes?) -> MetricValue {
        guard let live = view.live, let current = sensor(live) else { return .null }
        return .thousandths(Milliwatts(live.packVoltage, current).rawValue, 1)
    }
}
