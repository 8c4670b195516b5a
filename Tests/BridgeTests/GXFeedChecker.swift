import MQTT
import JSON

@testable import BatteryEngine
@testable import MQTTBridge

/// The messages that a subscriber of the feed saw, and the times of frames that can feed it. Times are milliseconds of the wall clock.
struct GXFeedRun {
    /// One message on its way to the driver.
    struct Sighting {
        var message: MQTTMessage
        var wall: Int64
    }

    var sightings: [Sighting] = []
    /// Good frames of a BMS with a current sensor.
    var frames: [Int64] = []
    var end: Int64 = 0
}

/// All known ways in which dbus-mqtt-battery 1.0.12 gets stuck, keeps old limits or drops a battery, looked for in a run. They are known
/// from its source and from the running driver.
enum GXFeedChecker {
    /// The rules; each case says what the driver or DVCC does with a document that breaks the rule.
    enum Rule: String, CaseIterable {
        /// The driver listens to one exact topic.
        case topic
        /// Old limits come back at each start of the driver.
        case retained
        /// The driver ignores a document that is not JSON; NaN breaks reading of the whole service.
        case json
        /// The driver drops the document but starts its timeout again, so that old limits stay.
        case requiredMissing
        /// The update loop ends, and the service stays with frozen values.
        case requiredNull
        /// Text in place of a number ends the driver; true and false are refused.
        case number
        /// A number is in place of a text.
        case text
        /// An alarm level is 0, 1 or 2.
        case alarmLevel
        /// A flag is 0 or 1.
        case flag
        /// Voltage is above 0, SoC 0 to 100.
        case range
        /// An unknown key causes a warning in the driver's log, each second.
        case unknownKey
        /// A key that is left out keeps its old value.
        case keySet
        /// Without these keys the driver derives them from the cells, with Sum and Diff among them.
        case systemKeys
        /// The driver shows no cell above 24.
        case cellCount
        /// A current limit is in whole amperes, not negative, and not 1 A, with which a GX cannot work.
        case currentLimit
        /// 0 V is passed to the chargers.
        case voltageLimit
        /// A limit of null is taken for no limit.
        case limitWithdrawn
        /// A GX counts consumed charge as negative.
        case consumed
        /// The second document of a second waits for a later one.
        case sameSecond
        /// Late documents make values old, and in the end the driver drops the battery.
        case gap
        /// Only silence makes the driver drop the battery.
        case silence
    }

    struct Fault: CustomStringConvertible {
        var rule: Rule
        /// Index of the document, from 0.
        var index: Int
        var text: String

        var description: String { "document \(index), \(rule): \(text)" }
    }

    static let topic = "bms/garage/gx"
    /// Longest time between two documents while data is no older than ``lost``, ms.
    static let longestGap: Int64 = 2_000
    /// Age of data above which no document may come, milliseconds.
    static let lost: Int64 = 60_000
    static let cells = 24

    static func faults(_ run: GXFeedRun) -> [Fault] {
        var faults: [Fault] = []
        var keys: Set<String>?
        for (index, sighting) in run.sightings.enumerated() {
            let values = values(sighting.message.payload)
            let paths = Set(values.keys)
            var found = delivery(sighting.message) + time(run, index)
            found += values.isEmpty ? [(.json, "no JSON object with values")] : contents(values)
            if let keys, keys != paths {
                found.append((.keySet, "\(keys.symmetricDifference(paths).sorted()) come and go"))
            }
            keys = keys ?? paths
            faults += found.map { Fault(rule: $0.0, index: index, text: $0.1) }
        }
        return faults
    }

    // MARK: One document

    private typealias Found = [(Rule, String)]

    private static func delivery(_ message: MQTTMessage) -> Found {
        var found: Found = []
        if message.topic != topic { found.append((.topic, message.topic)) }
        if message.retain { found.append((.retained, "retained")) }
        return found
    }

    private static func contents(_ values: [String: JSONValue]) -> Found {
        var found: Found = []
        for path in ["Dc.Power", "Dc.Voltage", "Soc"] {
            if values[path] == nil { found.append((.requiredMissing, path)) }
            if values[path] == .null { found.append((.requiredNull, path)) }
        }
        for path in GXFeedKeys.always where values[path] == nil { found.append((.systemKeys, path)) }
        for path in GXFeedKeys.limits where values[path]?.isNull ?? true { found.append((.limitWithdrawn, path)) }
        for (path, value) in values.sorted(by: { $0.key < $1.key }) {
            if let rule = fault(path, value) { found.append((rule, "\(path) \(value)")) }
        }
        return found
    }

    private static func fault(_ path: String, _ value: JSONValue) -> Rule? {
        guard let kind = GXFeedKeys.kinds[path] else { return isCell(path) ? .cellCount : .unknownKey }
        // Another rule has checked whether null is allowed.
        if value.isNull { return nil }
        if kind == .text { return value.text == nil ? .text : nil }
        guard let number = value.number else { return .number }
        switch (kind, path) {
        case (.alarm, _): return [0, 1, 2].contains(number) ? nil : .alarmLevel
        case (.flag, _): return [0, 1].contains(number) ? nil : .flag
        case (_, "Info.MaxChargeCurrent"), (_, "Info.MaxDischargeCurrent"):
            return number == number.rounded() && number >= 0 && number != 1 ? nil : .currentLimit
        case (_, "Info.MaxChargeVoltage"): return number > 0 ? nil : .voltageLimit
        case (_, "ConsumedAmphours"): return number <= 0 ? nil : .consumed
        case (_, "Dc.Voltage"): return number > 0 ? nil : .range
        case (_, "Soc"): return (0...100).contains(number) ? nil : .range
        default: return nil
        }
    }

    private static func isCell(_ path: String) -> Bool {
        ["Voltages.Cell", "Balances.Cell"].contains { path.hasPrefix($0) && Int(path.dropFirst($0.count)) != nil }
    }

    /// All values by path; none if the payload is not a JSON object. NaN is not a value.
    private static func values(_ payload: [UInt8]) -> [String: JSONValue] {
        func walk(_ value: JSONValue, _ path: String) -> [(String, JSONValue)] {
            guard case .object(let members) = value else { return path.isEmpty ? [] : [(path, value)] }
            return members.flatMap { walk($0.value, path.isEmpty ? $0.key : "\(path).\($0.key)") }
        }
        guard let document = JSONValue(parsing: payload) else { return [:] }
        // A name with a dot can collide with a path; both are unknown keys then.
        return Dictionary(walk(document, "")) { first, _ in first }
    }

    // MARK: Time

    private static func time(_ run: GXFeedRun, _ index: Int) -> Found {
        var found: Found = []
        let wall = run.sightings[index].wall
        let next = index + 1 < run.sightings.count ? run.sightings[index + 1].wall : run.end
        if index > 0, run.sightings[index - 1].wall / 1000 == wall / 1000 {
            found.append((.sameSecond, "the second of \(wall / 1000)"))
        }
        if age(run, at: wall).map({ $0 > lost }) ?? true { found.append((.silence, "data is too old")) }
        let latest = wall + longestGap
        if next > latest, age(run, at: latest).map({ $0 <= lost }) ?? false {
            found.append((.gap, "\(next - wall) ms until the next"))
        }
        return found
    }

    /// Age of the newest frame at a time; `nil` before the first.
    private static func age(_ run: GXFeedRun, at wall: Int64) -> Int64? {
        run.frames.last { $0 <= wall }.map { wall - $0 }
    }
}

/// All keys that dbus-mqtt-battery 1.0.12 accepts.
enum GXFeedKeys {
    enum Kind { case number, text, alarm, flag }

    static let limits = ["Info.MaxChargeVoltage", "Info.MaxChargeCurrent", "Info.MaxDischargeCurrent"]
    static let always = [
        "System.MinVoltageCellId", "System.MaxVoltageCellId", "System.MinCellVoltage", "System.MaxCellVoltage",
        "Voltages.Sum", "Voltages.Diff", "ConsumedAmphours", "Capacity",
    ]

    static let kinds: [String: Kind] = {
        var kinds: [String: Kind] = [:]
        func add(_ group: String, _ kind: Kind, _ names: String) {
            for name in names.split(separator: " ") { kinds[group.isEmpty ? "\(name)" : "\(group).\(name)"] = kind }
        }
        add("", .number, "Soc Soh SocBms InstalledCapacity Capacity ConsumedAmphours TimeToGo CurrentAvg State")
        add("", .flag, "Balancing Heating SystemSwitch")
        add("", .text, "ConnectionInformation")
        add("Dc", .number, "Power Voltage Current Temperature MidVoltage MidVoltageDeviation")
        add("Alarms", .alarm, "LowVoltage HighVoltage LowSoc HighChargeCurrent HighDischargeCurrent HighCurrent")
        add("Alarms", .alarm, "CellImbalance HighChargeTemperature LowChargeTemperature LowCellVoltage FuseBlown")
        add("Alarms", .alarm, "LowTemperature HighTemperature BmsCable HighCellVoltage HighInternalTemperature")
        add("Alarms", .alarm, "InternalFailure StateOfHealth")
        add("Info", .number, "MaxChargeVoltage MaxChargeCurrent MaxDischargeCurrent BatteryLowVoltage")
        add("Info", .number, "MaxChargeCellVoltage HeatingCurrent HeatingPower")
        add("Info", .number, "HeatingTemperatureStart HeatingTemperatureStop")
        add("Info", .flag, "ChargeRequest")
        add("Info", .text, "ChargeMode ChargeLimitation DischargeLimitation")
        add("Io", .flag, "AllowToCharge AllowToDischarge AllowToBalance AllowToHeat ExternalRelay")
        add("Io", .flag, "ForceChargingOff ForceDischargingOff TurnBalancingOff")
        add("System", .text, "MinVoltageCellId MaxVoltageCellId MinTemperatureCellId MaxTemperatureCellId")
        add("System", .text, "Temperature1Name Temperature2Name Temperature3Name Temperature4Name")
        add("System", .number, "MinCellVoltage MaxCellVoltage MinCellTemperature MaxCellTemperature MOSTemperature")
        add("System", .number, "Temperature1 Temperature2 Temperature3 Temperature4 NrOfCellsPerBattery")
        add("System", .number, "NrOfModulesOnline NrOfModulesOffline")
        add("System", .number, "NrOfModulesBlockingCharge NrOfModulesBlockingDischarge")
        add("Voltages", .number, "Sum Diff")
        add("History", .number, "ChargeCycles MinimumVoltage MaximumVoltage TotalAhDrawn AverageDischarge")
        add("History", .number, "ChargedEnergy DischargedEnergy DeepestDischarge FullDischarges LastDischarge")
        add("History", .number, "HighVoltageAlarms LowVoltageAlarms MinimumCellVoltage MaximumCellVoltage")
        add("History", .number, "MinimumTemperature MaximumTemperature TimeSinceLastFullCharge")
        add("Settings", .flag, "HasTemperature")
        for percent in stride(from: 0, through: 100, by: 5) { kinds["TimeToSoC.\(percent)"] = .text }
        for cell in 1...GXFeedChecker.cells {
            kinds["Voltages.Cell\(cell)"] = .number
            kinds["Balances.Cell\(cell)"] = .flag
        }
        return kinds
    }()
}
