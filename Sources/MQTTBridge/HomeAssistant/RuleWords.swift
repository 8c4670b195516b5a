import ChargeLimits

/// The words by which Home Assistant shows the rule that bounds a limit. The sentence with its numbers is an attribute.
enum RuleWords {
    /// One state for each rule. Rules that say the same to an owner share a word.
    static let states = RuleName.allCases.map { EntityRow.EnumState(value: $0.rawValue, word: word($0)) }

    /// Short words in English; the languages translate them.
    static func word(_ rule: RuleName) -> String {
        switch rule {
        case .target: "target voltage"
        case .userCap: "configured maximum"
        case .fuse: "fuse"
        case .sensorRange: "sensor range"
        case .cellRating: "cell rating"
        case .reserve: "reserve"
        case .maximumSoc: "state of charge ceiling"
        case .chemistry: "thresholds contradict chemistry"
        case .float: "full"
        case .highestCell: "cell high"
        case .hardCellCut: "cell near Vmax"
        case .hotBoards: "warm boards"
        case .lowestCell: "cell low"
        case .loadStep: "voltage sag"
        case .empty: "empty"
        case .cold: "cold"
        case .hot: "hot"
        case .chargeByVoltage: "charge current"
        case .deepDischarge: "deep discharge"
        case .chargePermission: "BMS forbids charging"
        case .dischargePermission: "BMS forbids discharging"
        case .cellCommunication: "cell boards silent"
        case .alarmHighCell: "BMS: cell high"
        case .alarmLowCell: "BMS: cell low"
        case .alarmCold: "BMS: cold"
        case .alarmHot: "BMS: hot"
        case .cellCount: "cells changed"
        case .link: "no data"
        case .command: "setting"
        case .chargeOff, .dischargeOff: "switched off"
        case .sum: "sum of packs"
        case .mismatch: "packs differ"
        case .pack: "one pack"
        case .overload: "pack overloaded"
        case .silent: "pack silent"
        }
    }
}
