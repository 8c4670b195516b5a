import BMSCore
import SmartBMS

/// Bytes 47 and 48: one key-value pair per frame, in order (generation 3), or the device's clock (generation 2).
struct KeyRotation: Sendable {
    /// Highest key of firmware 3.3.11.
    static let last = 18

    /// Facts that the keys carry in addition to the settings.
    struct Facts: Sendable {
        let stateOfHealth: Int
        let efficiency: Int
        let cycles: Int
    }

    let facts: Facts
    private var key = 0

    init(_ facts: Facts) { self.facts = facts }

    /// The two bytes of the next frame.
    ///
    /// - Parameter minuteOfDay: the BMS's clock.
    mutating func next(
        _ settings: BMSSettings, _ energy: EnergyCounter, _ second: SecondStatus, minuteOfDay: Int
    ) -> (key: UInt8, value: UInt8) {
        guard settings.revision.generation == .three else {
            return (UInt8(truncatingIfNeeded: minuteOfDay / 60), UInt8(truncatingIfNeeded: minuteOfDay % 60))
        }
        defer { key = key == Self.last ? 0 : key + 1 }
        return (UInt8(truncatingIfNeeded: key + 25), value(of: key, settings, energy, second))
    }

    private func value(
        of key: Int, _ settings: BMSSettings, _ energy: EnergyCounter, _ second: SecondStatus
    ) -> UInt8 {
        func byte(_ number: Int, _ keysBehind: Int) -> UInt8 { UInt8(truncatingIfNeeded: number >> (8 * keysBehind)) }
        switch key {
        case 0: return byte(facts.stateOfHealth, 0)
        case 1: return byte(facts.efficiency, 0)
        case 2...3: return byte(settings.low.rawValue / 5, 3 - key)
        case 4...5: return byte(settings.nominal.rawValue / 5, 5 - key)
        case 6: return 0x33  // firmware 3.3 ...
        case 7: return 11  // ... .11, the first that is documented
        case 8...9: return byte(facts.cycles, 9 - key)
        case 10...12: return byte(Int(energy.lifetimeIn / 1000), 12 - key)
        case 13...15: return byte(Int(energy.lifetimeOut / 1000), 15 - key)
        case 16: return second.rawValue
        default: return byte(settings.thresholds.balance.rawValue / 5, Self.last - key)  // V-full
        }
    }
}
