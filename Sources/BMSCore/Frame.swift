/// A decoded frame: every byte of the wire, scaled, nothing judged or smoothed.
///
/// A sensor that the BMS marks `X` is `nil`, never 0 A.
public struct Frame: Hashable, Sendable {
    /// Voltage of the pack, 5 mV steps.
    public var packVoltage: Millivolts
    /// Sensor 1, inflow (charger, solar); `nil` where there is none.
    public var current1: Milliamperes?
    /// Sensor 2, outflow (load), positive = out; `nil` where there is none.
    public var current2: Milliamperes?
    /// Battery current, positive = charging; `nil` where there is no sensor at all.
    public var current: Milliamperes?
    /// Lowest cell voltage.
    public var lowestVoltage: Millivolts
    /// Its cell, from 1.
    public var lowestVoltageCell: Int
    /// Highest cell voltage.
    public var highestVoltage: Millivolts
    /// Its cell, from 1.
    public var highestVoltageCell: Int
    /// Lowest cell temperature.
    public var lowestTemperature: RawTemperature
    /// Its cell, from 1.
    public var lowestTemperatureCell: Int
    /// Highest cell temperature. A board that balances reads warmer than its cell.
    public var highestTemperature: RawTemperature
    /// Its cell, from 1.
    public var highestTemperatureCell: Int
    /// Cell that ``slotVoltage`` and ``slotTemperature`` belong to; 0 or above ``cellCount``: none.
    public var slotCell: Int
    /// Number of cells, 1...255.
    public var cellCount: Int
    /// Voltage of the slot's cell.
    public var slotVoltage: Millivolts
    /// Temperature of the slot's cell.
    public var slotTemperature: RawTemperature
    /// Permissions and alarms.
    public var status: StatusFlags
    /// Energy charged today.
    public var energyInToday: WattHours
    /// Energy in the pack.
    public var energyStored: WattHours
    /// Energy discharged today.
    public var energyOutToday: WattHours
    /// State of charge, 0...100 %.
    public var soc: Int
    /// Energy charged since installation, 1 kWh steps.
    public var lifetimeIn: WattHours
    /// Energy discharged since installation, 1 kWh steps.
    public var lifetimeOut: WattHours
    /// Byte 47: key + 25, or the clock's hour.
    public var keyByte: UInt8
    /// Byte 48: value of the key, or the clock's minute.
    public var keyValue: UInt8
    /// Configured capacity, 100 Wh steps.
    public var capacity: WattHours
    /// Setting V-min: below it the load relay opens.
    public var minimumVoltage: Millivolts
    /// Setting V-max: at it the charge relay opens.
    public var maximumVoltage: Millivolts
    /// Setting V-balance: above it a board bypasses about 1 A.
    public var balanceVoltage: Millivolts

    /// Key of this frame, 0...230; `nil` when the bytes are the clock of old firmware.
    public var key: Int? { keyByte >= 25 ? Int(keyByte) - 25 : nil }
    /// Settings that the BMS repeats in every frame.
    public var settings: PackSettings {
        PackSettings(
            cellCount: cellCount, minimumVoltage: minimumVoltage, maximumVoltage: maximumVoltage,
            balanceVoltage: balanceVoltage, capacity: capacity)
    }
}

/// What the owner set in the vendor's app (and on the switches), as each frame repeats it.
public struct PackSettings: Hashable, Sendable {
    /// Number of cells, 1...255.
    public var cellCount: Int
    /// Below it the load relay opens.
    public var minimumVoltage: Millivolts
    /// At it the charge relay opens.
    public var maximumVoltage: Millivolts
    /// Above it a board balances.
    public var balanceVoltage: Millivolts
    /// Configured capacity; often deliberately below the label.
    public var capacity: WattHours

    /// Creates settings, as a test or a simulator needs them.
    public init(
        cellCount: Int, minimumVoltage: Millivolts, maximumVoltage: Millivolts, balanceVoltage: Millivolts,
        capacity: WattHours
    ) {
        self.cellCount = cellCount
        self.minimumVoltage = minimumVoltage
        self.maximumVoltage = maximumVoltage
        self.balanceVoltage = balanceVoltage
        self.capacity = capacity
    }
}
