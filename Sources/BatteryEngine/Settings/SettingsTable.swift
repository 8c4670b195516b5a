import BMSCore
import ChargeLimits

/// All settings, in the order of the documents.
package enum SettingsTable {
    /// Names of settings that live in the BMS. The cable only transmits, so a command for one of them is refused with that reason.
    package static let inTheBMS: Set<String> = [
        "Vmin", "Vmax", "Vbalance", "Vbypass", "Vlow", "Vfull", "Tmin", "Tmax", "capacity", "chargeRestart",
        "dischargeRestart", "PIN", "pin", "chargeRelay", "loadRelay",
    ]

    /// Lowest ceiling of the state of charge that may be set, percent.
    package static let leastMaximumSoc = 50

    /// The way in which a charge is run. `full` goes back to `auto` when it is done.
    package static let chargeMode = SettingRow(
        name: "chargeMode", key: "charge_mode_setting", title: "Charge mode wanted",
        kind: .word(LimitCommands.ChargeMode.allCases.map(\.rawValue)),
        effect: .limit { commands, value, _ in
            if case .word(let word) = value { commands.chargeMode = LimitCommands.ChargeMode(rawValue: word) ?? .auto }
        }, standard: { _ in .word(LimitCommands.ChargeMode.auto.rawValue) }, icon: "mdi:battery-charging",
        meaning: "float: hold at rest; full: charge to 100 % and balance once, then auto; given up after 48 h.")

    /// Days between full charges that the bridge itself begins.
    package static let fullChargeInterval = SettingRow(
        name: "fullChargeInterval", key: "full_charge_interval", title: "Full charge interval",
        kind: .number(unit: "d", step: 1000) { _ in 0...90_000 },
        effect: .number { $0.fullChargeInterval = $1 / 1000 },
        standard: { .number($0.options.limits.fullChargeInterval * 1000) }, icon: "mdi:calendar-sync",
        meaning: "Days after which a pack that hardly discharged is charged and balanced again; 0: never.")

    /// The name that people see.
    package static let customName = SettingRow(
        name: "customName", key: "custom_name", title: "Name", kind: .text(longest: 32), effect: .name,
        standard: { .text($0.options.name) }, icon: "mdi:tag", meaning: "Shown as /CustomName.")

    package static let rows: [SettingRow] = [
        current(
            .ccl, "maxChargeCurrent", "max_charge_current", "Charge current ceiling",
            .number { $0.maximumChargeCurrent = Milliamperes($1) }
        ) { $0.maximumChargeCurrent },
        current(
            .dcl, "maxDischargeCurrent", "max_discharge_current", "Discharge current ceiling",
            .number { $0.maximumDischargeCurrent = Milliamperes($1) }
        ) { $0.maximumDischargeCurrent },
        SettingRow(
            name: "maxChargeVoltage", key: "max_charge_voltage", title: "Charge voltage ceiling",
            kind: .number(unit: "V", step: 10, bounds: voltageBounds),
            effect: .number { $0.maximumChargeVoltage = Millivolts($1) },
            standard: { voltageBounds($0).map { .number($0.upperBound) } },
            meaning: "Ceiling of CVL, whole pack."),
        SettingRow(
            name: "chargeEnabled", key: "charge_enabled", title: "Charging enabled", kind: .flag,
            effect: .switchedOff { $0.chargeOff = $1 }, standard: { _ in .flag(true) }, icon: "mdi:battery-arrow-up",
            meaning: "OFF: CCL 0 and CVL lowered. ON gives back control, it does not override the BMS."),
        SettingRow(
            name: "dischargeEnabled", key: "discharge_enabled", title: "Discharging enabled", kind: .flag,
            effect: .switchedOff { $0.dischargeOff = $1 }, standard: { _ in .flag(true) },
            icon: "mdi:battery-arrow-down", meaning: "OFF: DCL 0. ON gives back control, it does not override the BMS."),
        chargeMode,
        fullChargeInterval,
        SettingRow(
            name: "reserveSoc", key: "reserve_soc", title: "Reserve",
            kind: .number(unit: "%", step: 1000) { $0.options.limits.reserveSoc * 1000...80_000 },
            effect: .number { $0.reserveSoc = $1 / 1000 },
            standard: { .number($0.options.limits.reserveSoc * 1000) }, icon: "mdi:battery-lock",
            meaning: "DCL 0 at or below this state of charge, until 3 % above it. The file's is the least."),
        SettingRow(
            name: "maxSoc", key: "max_soc", title: "State of charge ceiling",
            kind: .number(unit: "%", step: 1000) { leastMaximumSoc * 1000...$0.options.limits.maximumSoc * 1000 },
            effect: .number { $0.maximumSoc = $1 / 1000 },
            standard: { .number($0.options.limits.maximumSoc * 1000) }, icon: "mdi:battery-80",
            meaning: "Charging ends at this state of charge, until 3 % below it; 100: off. The file's is the most."),
        customName,
        button(
            "clearPeaks", "clear_peaks", "Forget highest and lowest", "mdi:chart-line", .clearPeaks,
            "Forgets lowest and highest cell voltage."),
        button(
            "allowDeepCharge", "allow_deep_charge", "Allow deep charge", "mdi:battery-alert", .allowDeepCharge,
            "Lets a pack be charged slowly whose cells were so empty that charging was locked, for this charge."),
        button(
            "republish", "republish", "Send everything again", "mdi:refresh", .republish, "Sends every document now."),
        button(
            "purgeDiscovery", "purge_discovery", "Remove from Home Assistant", "mdi:delete", .purgeDiscovery,
            "Removes the device from Home Assistant until the bridge connects anew."),
    ]

    /// The settings of a pack: all of the table, and one for each of its relays.
    package static func rows(_ options: PackOptions) -> [SettingRow] { rows + options.relays.map(relay) }

    /// The setting of a name; `nil`: the pack has none.
    package static func row(_ name: String, _ options: PackOptions) -> SettingRow? {
        rows.first { $0.name == name } ?? options.relays.first { $0.setting == name }.map(relay)
    }

    private static func relay(_ relay: RelayOptions) -> SettingRow {
        SettingRow(
            name: relay.setting, key: "relay_\(relay.name)", title: "Relay {n}",
            kind: .word(relay.function == .manual ? ["auto", "off", "on"] : ["auto", "off"]), effect: .relay,
            standard: { _ in .word("auto") }, icon: "mdi:electric-switch",
            meaning: "auto: by its function; off: open; on (manual relays): closed while that is permitted.",
            subject: relay.name)
    }

    private static func current(
        _ limit: LimitKind, _ name: String, _ key: String, _ title: String, _ effect: SettingRow.Effect,
        _ cap: @escaping @Sendable (LimitConfiguration) -> Milliamperes?
    ) -> SettingRow {
        // Without a cap of the file: what fuse, sensor and cells allow; before the first frame nothing is known of the cells.
        @Sendable func known(_ context: SettingContext) -> Int? {
            let limits = context.options.limits
            let ceiling = cap(limits).map { min($0, limits.fuse ?? $0) }
            return (ceiling ?? LimitCalculator.ceiling(limit, context.snapshot, limits)).map { max(0, $0.rawValue) }
        }
        @Sendable func most(_ context: SettingContext) -> Int {
            known(context) ?? context.options.limits.sensorRange.rawValue
        }
        return SettingRow(
            name: name, key: key, title: title, kind: .number(unit: "A", step: 500) { 0...most($0) },
            effect: effect, standard: { known($0).map { .number($0) } },
            meaning:
                "Ceiling of \(limit.rawValue.uppercased()); the most is the file's cap, else what fuse, sensor and cells allow."
        )
    }

    private static func button(
        _ name: String, _ key: String, _ title: String, _ icon: String, _ action: SettingRow.Action,
        _ meaning: String
    ) -> SettingRow {
        SettingRow(
            name: name, key: key, title: title, kind: .button, effect: .button(action), standard: { _ in nil },
            icon: icon, meaning: meaning)
    }

    /// N x Vnominal ... the target, at most the file's; unknown before the first believed frame.
    @Sendable private static func voltageBounds(_ context: SettingContext) -> ClosedRange<Int>? {
        guard let least = context.snapshot.nominalPackVoltage?.rawValue,
            let target = LimitCalculator.targetVoltage(context.snapshot, context.options.limits)
        else { return nil }
        let most = min(target.rawValue, context.options.limits.maximumChargeVoltage?.rawValue ?? .max)
        return min(least, most)...most
    }
}
