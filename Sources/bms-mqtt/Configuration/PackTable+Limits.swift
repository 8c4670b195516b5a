import BMSCore
import ChargeLimits
import BatteryEngine
import MQTTBridge

// Keys of the ceilings, of charging and of discharging.
extension PackTable {
    static let limits: [Key] = [
        amperes(
            "limits.maxChargeCurrent", "Ceiling of the charge current; by chemistry and capacity unless given.", "100"
        ) {
            $0.maximumChargeCurrent = $1
        },
        amperes(
            "limits.maxDischargeCurrent", "Ceiling of the discharge current; by chemistry and capacity unless given.",
            "150"
        ) { $0.maximumDischargeCurrent = $1 },
        Key(
            "limits.maxChargeVoltage", .decimal(1_000...1_400_000, unit: "volts"), nil,
            "Ceiling of the charge voltage, whole pack; by the BMS's thresholds unless given.", example: "55.2"
        ) { $0.options.limits.maximumChargeVoltage = Millivolts($1.number) },
        amperes("limits.fuse", "Rating of the pack's fuse: a ceiling of both currents.", "200", least: 1000) {
            $0.fuse = $1
        },
        degrees(
            "limits.minChargeTemperature", -40_000...30_000,
            "Tmin for charging as set in the BMS (which does not send it); by chemistry unless given.", "0"
        ) { $0.minimumChargeTemperature = $1 },
        degrees(
            "limits.minDischargeTemperature", -40_000...30_000,
            "Tmin for discharging as set in the BMS; by chemistry unless given.", "-20"
        ) { $0.minimumDischargeTemperature = $1 },
        Key(
            "limits.maxTemperature", .decimal(30_000...80_000, unit: "degrees Celsius"), "55",
            "Tmax as set in the BMS (which does not send it). Currents end 1 K below it, so that no relay has to open."
        ) {
            $0.options.limits.maximumTemperature = Millidegrees($1.number)
            $0.hasMaximumTemperature = true
        },
    ]

    static let charging: [Key] = [
        rate("charging.rate", "Charge current as a share of the capacity per hour (C).", "0.5") { $0.chargeRate = $1 },
        cellVolts(
            "charging.headroom", 0...100,
            "Charge voltage above Vbalance, per cell. The vendor asks for 0.025 to 0.040 with LFP.", "0.030"
        ) { $0.head = $1 },
        cellVolts(
            "charging.softCap", 10...150,
            "Voltage above Vbalance that the highest cell may reach; charge voltage and current yield to it.", "0.042"
        ) { $0.softCap = $1 },
        Key(
            "charging.float", .flag, "true",
            "After a full charge the voltage eases down to rest; false: it stays at the target."
        ) { $0.options.limits.floats = $1.flag },
        cellVolts("charging.floatBelow", 0...300, "Resting voltage below Vbalance, per cell.", "0.020") {
            $0.floatBelow = $1
        },
        Key(
            "charging.restartSoc", .whole(50...99, unit: "percent"), "95",
            "Rest ends below this state of charge, so that the next morning's charge is not throttled."
        ) { $0.options.limits.restartSoc = $1.number },
        Key(
            "charging.maxSoc", .whole(50...100, unit: "percent"), "100",
            "Charging ends at this state of charge, until the pack is 3 % below it; 100: off. A full charge that is due exceeds it "
                + "once."
        ) { $0.options.limits.maximumSoc = $1.number },
        Key(
            "charging.fullChargeInterval", .whole(0...90, unit: "days"), "7",
            "A pack that has hardly been discharged is charged and balanced again after this many days; 1: daily, 0: never."
        ) { $0.options.limits.fullChargeInterval = $1.number },
        Key(
            "charging.balanceHours", .checked(hoursFault), nil,
            "Hours of the day, local time, in which the charge of fullChargeInterval may begin, as in 10-16 or 22-6.",
            example: "10-16"
        ) { $0.options.limits.balanceHours = hours($1.text) },
        Key(
            "charging.boardRise", .decimal(0...40_000, unit: "kelvin"), "12",
            "How much warmer a cell board reads while it balances. If this could bring it to Tmax, balancing pauses."
        ) { $0.options.limits.boardRise = Millidegrees($1.number) },
        Key(
            "charging.voltageOnly", .flag, "false",
            "Chargers ignore CCL, as solar chargers do while the system feeds in: CVL alone limits the current, by the pack's "
                + "resistance."
        ) { $0.options.limits.isVoltageOnly = $1.flag },
        Key(
            "charging.overshoot", .decimal(0...2_000, unit: "volts"), "0.4",
            "With voltageOnly: voltage that the chargers add to CVL, whole pack; kept clear of the hard cut. 0.1 at 12 V, 0.4 at 48 V."
        ) { $0.options.limits.overshoot = Millivolts($1.number) },
        Key(
            "charging.curve", .curve, nil,
            "Charge current against the temperature of the coldest and the warmest cell, in C. Outside the list its first and last "
                + "value hold; the current is 0 at Tmin and 1 K below Tmax in any case.",
            example: "[[0, 0], [5, 0.1], [15, 0.5], [45, 0.5], [55, 0]]"
        ) { $0.options.limits.chargeCurve = $1.curve },
    ]

    static let discharging: [Key] = [
        rate("discharging.rate", "Discharge current as a share of the capacity per hour (C).", "1") {
            $0.dischargeRate = $1
        },
        cellVolts(
            "discharging.hold", 20...500,
            "Voltage above Vmin at which a falling current holds the lowest cell. Unless given: V-low of the BMS less 0.020, "
                + "else by chemistry.", "0.080"
        ) { $0.hold = $1 },
        Key(
            "discharging.reserveSoc", .whole(0...80, unit: "percent"), "0",
            "State of charge kept for emergencies: no discharge at or below it until the pack is 3 % above it."
        ) { $0.options.limits.reserveSoc = $1.number },
        Key(
            "discharging.cellResistance", .decimal(10...100_000, unit: "milliohm"), nil,
            "Resistance of a cell with diffusion, on the high side; by chemistry and capacity until it is learned.",
            example: "1.6"
        ) { $0.options.limits.cellResistance = $1.number },
        Key(
            "discharging.curve", .curve, nil, "Discharge current against temperature, like charging.curve.",
            example: "[[-20, 0], [0, 0.5], [10, 1], [50, 1], [58, 0]]"
        ) { $0.options.limits.dischargeCurve = $1.curve },
    ]

    private static func amperes(
        _ path: String, _ meaning: String, _ example: String, least: Int = 0,
        _ apply: @escaping @Sendable (inout LimitConfiguration, Milliamperes) -> Void
    ) -> Key {
        Key(path, .decimal(least...2_000_000, unit: "amperes"), nil, meaning, example: example) {
            apply(&$0.options.limits, Milliamperes($1.number))
        }
    }

    private static func degrees(
        _ path: String, _ range: ClosedRange<Int>, _ meaning: String, _ example: String,
        _ apply: @escaping @Sendable (inout LimitConfiguration, Millidegrees) -> Void
    ) -> Key {
        Key(path, .decimal(range, unit: "degrees Celsius"), nil, meaning, example: example) {
            apply(&$0.options.limits, Millidegrees($1.number))
        }
    }

    private static func rate(
        _ path: String, _ meaning: String, _ example: String,
        _ apply: @escaping @Sendable (inout LimitConfiguration, Int) -> Void
    ) -> Key {
        Key(path, .decimal(10...5_000, unit: "C"), nil, "\(meaning) By chemistry unless given.", example: example) {
            apply(&$0.options.limits, $1.number)
        }
    }

    private static func cellVolts(
        _ path: String, _ range: ClosedRange<Int>, _ meaning: String, _ example: String,
        _ apply: @escaping @Sendable (inout LimitConfiguration, Millivolts) -> Void
    ) -> Key {
        let isComplete = meaning.contains("nless given")
        return Key(
            path, .decimal(range, unit: "volts"), nil, isComplete ? meaning : "\(meaning) By chemistry unless given.",
            example: example
        ) { apply(&$0.options.limits, Millivolts($1.number)) }
    }

    /// Hours of a text like "10-16", or "22-6" over midnight; `nil`: the text is not valid.
    private static func hours(_ text: String) -> Range<Int>? {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
        guard parts.count == 2, let first = parts[0], let last = parts[1], (0...23).contains(first),
            (0...24).contains(last), first != last
        else { return nil }
        return first..<(last > first ? last : last + 24)
    }

    private static func hoursFault(_ text: String) -> String? {
        hours(text) == nil ? "expected hours like 10-16 or 22-6, found '\(text.prefix(40))'" : nil
    }
}
