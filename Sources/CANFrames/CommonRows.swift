import BMSCore
import BatteryEngine
import ChargeLimits

/// Frames that the protocols have in common.
extension CANRow {
    /// The limits. Currents are signed and positive.
    static let limits = CANRow(
        id: 0x351, title: "limits",
        fields: [
            .unsigned("CVL", at: 0, "V", decimals: 1) { $0.tenths(.cvl) },
            .signed("CCL", at: 2, "A", decimals: 1) { $0.tenths(.ccl) },
            .signed("DCL", at: 4, "A", decimals: 1) { $0.tenths(.dcl) },
            .unsigned("lowest", at: 6, "V", decimals: 1) { $0.lowestTenths },
        ])

    /// Voltage, current and the temperature of the warmest cell.
    static func measured(length: Int) -> CANRow {
        CANRow(
            id: 0x356, length: length, title: "measured",
            fields: [
                .signed("voltage", at: 0, "V", decimals: 2) { $0.lastReadings.map { $0.voltage.rawValue / 10 } },
                .signed("current", at: 2, "A", decimals: 1) { $0.lastReadings?.current.map { $0.rawValue / 100 } },
                .signed("temperature", at: 4, "°C", decimals: 1) {
                    $0.lastReadings.map { $0.highestTemperature.rawValue / 100 }
                },
            ])
    }
}

extension CANFrame {
    /// The frame tells limits, and one of CVL, CCL and DCL is lower than in an earlier frame.
    func allowsLess(than old: CANFrame) -> Bool {
        [0, 2, 4].contains { number($0) < old.number($0) }
    }

    /// The number of two bytes at a place, the lowest first.
    private func number(_ place: Int) -> Int {
        data.count > place + 1 ? Int(data[place]) | Int(data[place + 1]) << 8 : 0
    }
}
