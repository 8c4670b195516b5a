/// A level of a configuration at which keys stand.
enum KeyLevel: CaseIterable, Sendable {
    case top
    case pack
    case relay
    case bank
    case bus

    /// Paths of the keys that may stand there.
    fileprivate var paths: [[String]] {
        let paths =
            switch self {
            case .top: ConfigurationTable.keys.map(\.path) + ["packs", "banks", "can"]
            case .pack: PackTable.keys.map(\.path) + ["relays"]
            case .relay: RelayTable.keys.map(\.path)
            case .bank: BankTable.keys.map(\.path)
            case .bus: CANTable.keys.map(\.path)
            }
        return paths.map { $0.split(separator: ".").map(String.init) }
    }

    /// Words for a key in some groups of this level.
    fileprivate func place(_ groups: [String]) -> String {
        let group = groups.reversed().map { "'\($0):'" }.joined(separator: " in ")
        switch self {
        case .top: return groups.isEmpty ? "to the top level, without indentation" : "under \(group)"
        case .pack: return groups.isEmpty ? "to a pack, beside its 'id:'" : "under \(group) of a pack"
        case .relay: return "to a relay, in the list 'relays:' of a pack"
        case .bank: return groups.isEmpty ? "to a bank, in the list 'banks:'" : "under \(group) of a bank"
        case .bus: return "to a CAN bus, in the list 'can:'"
        }
    }
}

/// Finds the place of a key that stands in the wrong one.
enum KeyPlaces {
    /// Words like ": it belongs under 'limits:' of a pack"; `nil`: no place has such a key.
    ///
    /// - Parameters:
    ///   - level: where the key stands.
    ///   - prefix: the groups in which it stands, like "mqtt.".
    ///   - isGroup: the key has keys below it.
    static func hint(_ key: String, _ level: KeyLevel, _ prefix: String, isGroup: Bool) -> String? {
        let here = level.place(prefix.split(separator: ".").map(String.init))
        var near: [String] = []
        var far: [String] = []
        for other in KeyLevel.allCases {
            for path in other.paths {
                for (index, name) in path.enumerated()
                where name.lowercased() == key.lowercased() && isGroup == (index < path.count - 1) {
                    let place = other.place(Array(path[..<index]))
                    guard place != here, !(near + far).contains(place) else { continue }
                    if other == level { near.append(place) } else { far.append(place) }
                }
            }
        }
        let places = near.isEmpty ? far : near
        return places.isEmpty ? nil : ": it belongs \(places.prefix(3).joined(separator: ", or "))"
    }
}
