/// Readings of a battery at one moment, in units. A value that a BMS does not measure is `nil`, never 0.
public struct Measurements: Hashable, Sendable {
    /// Number of cells, 1...255.
    public var cellCount = 0
    /// Voltage of the pack.
    public var packVoltage = Millivolts.zero
    /// Battery current, positive = charging; `nil` where there is no sensor at all.
    public var current: Milliamperes?
    /// Current of the sensor between chargers and battery, positive = into the battery; `nil` where there is none.
    public var chargerCurrent: Milliamperes?
    /// Current of the sensor between battery and loads, positive = out of the battery; `nil` where there is none.
    public var loadCurrent: Milliamperes?
    /// Lowest cell voltage.
    public var lowestVoltage = Millivolts.zero
    /// Number of the cell with the lowest voltage, from 1.
    public var lowestVoltageCell = 0
    /// Highest cell voltage.
    public var highestVoltage = Millivolts.zero
    /// Number of the cell with the highest voltage, from 1.
    public var highestVoltageCell = 0
    /// Lowest cell temperature.
    public var lowestTemperature = Millidegrees.zero
    /// Number of the cell with the lowest temperature, from 1.
    public var lowestTemperatureCell = 0
    /// Highest cell temperature. A board that balances reads warmer than its cell.
    public var highestTemperature = Millidegrees.zero
    /// Number of the cell with the highest temperature, from 1.
    public var highestTemperatureCell = 0
    /// State of charge, 0...100 %.
    public var soc = 0
    /// A full charge has calibrated the state of charge.
    public var isSocCalibrated = true
    /// Energy in the battery.
    public var energyStored = WattHours.zero
    /// Energy charged today.
    public var energyInToday = WattHours.zero
    /// Energy discharged today.
    public var energyOutToday = WattHours.zero
    /// Energy charged since installation.
    public var lifetimeIn = WattHours.zero
    /// Energy discharged since installation.
    public var lifetimeOut = WattHours.zero

    /// Creates readings of zero, without currents.
    public init() {}
}
