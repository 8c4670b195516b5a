public import BMSCore

/// A decoded frame: every byte of the wire, scaled, nothing judged or smoothed.
///
/// A sensor that the BMS marks `X` is `nil`, never 0 A.
public struct Frame: Hashable, Sendable {
    /// Voltage of the pack, 5 mV steps.
    public var packVoltage = Millivolts.zero
    /// Sensor 1, inflow (charger, solar); `nil` where there is none.
    public var current1: Milliamperes?
    /// Sensor 2, outflow (load), positive = out; `nil` where there is none.
    public var current2: Milliamperes?
    /// Battery current, positive = charging; `nil` where there is no sensor at all.
    public var current: Milliamperes?
    /// Lowest cell voltage.
    public var lowestVoltage = Millivolts.zero
    /// Number of the cell with the lowest voltage, from 1.
    public var lowestVoltageCell: Int = 0
    /// Highest cell voltage.
    public var highestVoltage = Millivolts.zero
    /// Number of the cell with the highest voltage, from 1.
    public var highestVoltageCell: Int = 0
    /// Lowest cell temperature.
    public var lowestTemperature = RawTemperature(0)
    /// Number of the cell with the lowest temperature, from 1.
    public var lowestTemperatureCell: Int = 0
    /// Highest cell temperature. A board that balances reads warmer than its cell.
    public var highestTemperature = RawTemperature(0)
    /// Number of the cell with the highest temperature, from 1.
    public var highestTemperatureCell: Int = 0
    /// Cell that ``slotVoltage`` and ``slotTemperature`` belong to; 0 or a number above ``cellCount`` means none.
    public var slotCell: Int = 0
    /// Number of cells, 1...255.
    public var cellCount: Int = 0
    /// Voltage of the slot's cell.
    public var slotVoltage = Millivolts.zero
    /// Temperature of the slot's cell.
    public var slotTemperature = RawTemperature(0)
    /// Permissions and alarms.
    public var status: StatusFlags = []
    /// Energy charged today.
    public var energyInToday = WattHours.zero
    /// Energy in the pack.
    public var energyStored = WattHours.zero
    /// Energy discharged today.
    public var energyOutToday = WattHours.zero
    /// State of charge, 0...100 %.
    public var soc: Int = 0
    /// Energy charged since installation, 1 kWh steps.
    public var lifetimeIn = WattHours.zero
    /// Energy discharged since installation, 1 kWh steps.
    public var lifetimeOut = WattHours.zero
    /// Byte 47: key + 25, or the clock's hour.
    public var keyByte: UInt8 = 0
    /// Byte 48: value of the key, or the clock's minute.
    public var keyValue: UInt8 = 0
    /// Configured capacity, 100 Wh steps.
    public var capacity = WattHours.zero
    /// Setting V-min: below it the load relay opens.
    public var minimumVoltage = Millivolts.zero
    /// Setting V-max: at it the charge relay opens.
    public var maximumVoltage = Millivolts.zero
    /// Setting V-balance: above it a board bypasses about 1 A.
    public var balanceVoltage = Millivolts.zero

    /// Key of this frame, 0...230; `nil` when the bytes are the clock of old firmware.
    public var key: Int? { keyByte >= 25 ? Int(keyByte) - 25 : nil }
}

extension Frame {
    /// A frame of zeros without sensors, to be filled: for simulators and tests.
    public static var blank: Frame { Frame() }
}
