import BMSCore
import SmartBMS
import ChargeLimits
import BatteryEngine
import MQTTBridge
import PackSimulator
import SerialLink

/// Keys of one pack.
enum PackTable {
    typealias Key = ConfigurationKey<ServicePlan.Pack>

    static let keys: [Key] =
        [
            Key(
                "id", .checked(identifier), nil, "Identifier in topics and entities; it must never change. Required.",
                example: "garage"
            ) { pack, value in
                // The id is also the name until a name is given.
                if pack.options.name == pack.options.id { pack.options.name = value.text }
                pack.options.id = value.text
            },
            Key("name", .text(longest: 32), nil, "Name for people; the id unless given.", example: "Garage battery") {
                $0.options.name = $1.text
            },
            Key(
                "source", .checked(source), nil,
                "Source of the bytes: serial:auto (the vendor's cable), serial:/dev/ttyUSB0, tcp:host:port, replay:FILE "
                    + "or simulator:SCENARIO. Required.", example: "serial:auto"
            ) { pack, value in
                if let address = try? SourceAddress(value.text) { pack.source = address }
            },
            Key("generation", .choice(["2", "3"]), "3", "2: IN and OUT boards; 3: Begin and End boards.") {
                $0.options.decoding.generation = $1.text == "2" ? .two : .three
            },
            Key(
                "chemistry", .choice(["auto"] + Chemistry.allCases.map(\.rawValue)), "auto",
                "Chemistry of the cells; auto derives it from the BMS's thresholds, and thresholds that fit none get careful limits."
            ) { $0.options.decoding.chemistry = Chemistry(rawValue: $1.text) },
            Key(
                "mode", .choice(RelayMode.allCases.map(\.rawValue)), "normal",
                "Relay mode as set in the BMS. In normal mode a charge ends with 'charging not permitted'."
            ) { $0.options.limits.relayMode = RelayMode(rawValue: $1.text) ?? .normal },
            Key(
                "sensor", .whole(20...2000, unit: "amperes"), "500",
                "Range of the current sensor; limits are at most 95 % of it."
            ) { $0.options.limits.sensorRange = Milliamperes($1.number * 1000) },
            Key(
                "temperatureRule", .choice(TemperatureScale.allCases.map(\.rawValue)), "measured",
                "measured: 0.857 degC per count, as the vendor's app; paper: 1 degC per count, as the vendor's paper says."
            ) { $0.options.decoding.temperatureScale = TemperatureScale(rawValue: $1.text) ?? .measured },
            Key("serial", .text(longest: 32), nil, "Serial number to show.", example: "123456") {
                $0.options.serial = $1.text
            },
            Key(
                "gxInstance", .whole(0...65_535, unit: ""), nil,
                "Number of the pack as a battery of the GX tree; 512 and up in order unless given.", example: "512"
            ) { $0.gxInstance = $1.number },
            Key(
                "cells", .whole(1...255, unit: "cells"), nil,
                "Number of cells; frames with another count are refused. Any count unless given.", example: "16"
            ) { $0.options.rules.plausibility?.expectedCells = $1.number },
        ] + limits + charging + discharging + checks

    private static let checks: [Key] = [
        Key(
            "checks.packVoltageTolerance", .whole(1...20, unit: "percent"), "3",
            "How far the pack voltage may lie outside the range that the lowest and the highest cell allow."
        ) { $0.options.rules.plausibility?.packVoltagePermille = $1.number * 10 },
        Key(
            "checks.maximumCellJump", .decimal(100...2_000, unit: "volts"), "0.3",
            "A larger step of the highest cell between two frames needs a second frame."
        ) { $0.options.decoding.confirmation.highestCell = Millivolts($1.number) },
        Key(
            "checks.minimumCellJump", .decimal(100...2_000, unit: "volts"), "0.5",
            "A larger step of the lowest cell between two frames needs a second frame; loads pull this cell down."
        ) { $0.options.decoding.confirmation.lowestCell = Millivolts($1.number) },
        Key(
            "checks.temperatureJump", .whole(2...60, unit: "kelvin"), "15",
            "A larger step of a temperature between two frames needs a second frame."
        ) { $0.options.decoding.confirmation.temperatureCounts = $1.number * 1000 / 857 },
        Key(
            "checks.socJump", .whole(1...100, unit: "percent"), "5",
            "A larger step of the state of charge between two frames, in points, needs a second frame; 100 switches it off."
        ) { $0.options.decoding.confirmation.socPoints = $1.number },
        Key(
            "checks.energyJump", .whole(1...1_000, unit: "percent"), "5",
            "A larger step of the stored energy, as a part of the capacity, needs a second frame; a step below 100 Wh never does."
        ) { $0.options.decoding.confirmation.energyPermille = $1.number * 10 },
        Key(
            "checks.currentJump", .whole(20...8_000, unit: "amperes"), "100",
            "A larger step of a current between two frames needs a second frame; 2 C counts instead where it is more."
        ) { $0.options.decoding.confirmation.current = Milliamperes($1.number * 1000) },
        Key(
            "checks.minimumCellVoltage", .decimal(0...2_000, unit: "volts"), "1.0",
            "Frames with a lower cell are refused; their permissions and alarms count all the same."
        ) { $0.options.rules.plausibility?.minimumCellVoltage = Millivolts($1.number) },
        Key(
            "checks.maximumCellVoltage", .decimal(3_000...5_500, unit: "volts"), "5.5",
            "Frames with a higher cell are refused."
        ) { $0.options.rules.plausibility?.maximumCellVoltage = Millivolts($1.number) },
        Key(
            "checks.lowestTemperature", .whole(-180 ... -20, unit: "degrees Celsius"), "-50",
            "Frames with a colder board are refused."
        ) { pack, value in
            pack.options.rules.plausibility?.temperature.extend(lower: value.number)
        },
        Key(
            "checks.highestTemperature", .whole(60...200, unit: "degrees Celsius"), "89",
            "Frames with a warmer board are refused."
        ) { pack, value in
            pack.options.rules.plausibility?.temperature.extend(upper: value.number)
        },
        Key(
            "checks.maximumCurrent", .whole(100...8000, unit: "amperes"), "2000",
            "Frames with a larger current are refused."
        ) { $0.options.rules.plausibility?.maximumCurrent = Milliamperes($1.number * 1000) },
        Key(
            "checks.settingsConfirmation", .whole(2...20, unit: "frames"), "5",
            "Number of equal frames that confirm a change of cell count, thresholds or capacity."
        ) { $0.options.decoding.confirmation.settingsConfirmation = $1.number },
        Key(
            "checks.stuck", .whole(10...3_600, unit: "seconds"), "20",
            "Frames that repeat byte for byte for longer count as silence: a living BMS changes some byte each second."
        ) { $0.options.decoding.confirmation.stuck = Int64($1.number) * 1000 },
    ]

    static func identifier(_ text: String) -> String? {
        guard Topics.isIdentifier(text, longest: 32) else {
            return "expected 1 to 32 of a-z, 0-9, _ and -, found '\(text.prefix(40))'"
        }
        return text == "bridge" ? "'bridge' is the topic level of the bridge itself: choose another id" : nil
    }

    private static func source(_ text: String) -> String? {
        do throws(SourceAddressError) {
            guard case .simulator(let scenario) = try SourceAddress(text), Scenario(rawValue: scenario) == nil else {
                return nil
            }
            return "no scenario '\(scenario)': \(Scenario.allCases.map(\.rawValue).joined(separator: ", "))"
        } catch {
            return error.description
        }
    }
}

extension ClosedRange<RawTemperature> {
    /// Moves the lower end, given in degrees Celsius, by the measured rule.
    fileprivate mutating func extend(lower degrees: Int) {
        self = Self.count(degrees)...Swift.max(upperBound, Self.count(degrees))
    }

    /// Moves the upper end, given in degrees Celsius, by the measured rule.
    fileprivate mutating func extend(upper degrees: Int) {
        self = Swift.min(lowerBound, Self.count(degrees, up: true))...Self.count(degrees, up: true)
    }

    private static func count(_ degrees: Int, up: Bool = false) -> RawTemperature {
        RawTemperature(((degrees + 232) * 1000 + (up ? 856 : 0)) / 857)
    }
}
