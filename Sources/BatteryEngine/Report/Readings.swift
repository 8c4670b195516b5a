public import BMSCore

/// A cell, by its number and, in a bank, its pack.
public struct CellPlace: Hashable, Sendable {
    /// Id of the pack; `nil` where the battery is the pack itself.
    public var pack: String?
    /// Number of the cell, from 1.
    public var number: Int
}

/// Measured values of a pack, or of a bank: there the voltage is the mean, currents and energy are sums, and the extremes name their packs.
public struct Readings: Hashable, Sendable {
    /// Voltage of the battery.
    public var voltage: Millivolts
    /// Battery current, positive = charging; `nil` where it is not measured, in a bank of one pack already.
    public var current: Milliamperes?
    /// Current from chargers into the battery; `nil` likewise.
    public var chargerCurrent: Milliamperes?
    /// Current from the battery into loads, positive; `nil` likewise.
    public var loadCurrent: Milliamperes?
    /// Lowest cell voltage.
    public var lowestVoltage: Millivolts
    /// The cell with the lowest voltage.
    public var lowestCell: CellPlace
    /// Highest cell voltage.
    public var highestVoltage: Millivolts
    /// The cell with the highest voltage.
    public var highestCell: CellPlace
    /// Lowest cell temperature.
    public var lowestTemperature: Millidegrees
    /// The coldest cell.
    public var coldestCell: CellPlace
    /// Highest cell temperature. A board that balances reads warmer than its cell.
    public var highestTemperature: Millidegrees
    /// The warmest cell.
    public var warmestCell: CellPlace
    /// State of charge, 0...100 %.
    public var soc: Int
    /// A full charge has calibrated the state of charge.
    public var isSocCalibrated: Bool
    /// Energy in the battery.
    public var energyStored: WattHours
}

extension Readings {
    /// Values of one pack.
    init(_ measured: Measurements) {
        func cell(_ number: Int) -> CellPlace { CellPlace(pack: nil, number: number) }
        voltage = measured.packVoltage
        (current, chargerCurrent, loadCurrent) = (measured.current, measured.chargerCurrent, measured.loadCurrent)
        (lowestVoltage, lowestCell) = (measured.lowestVoltage, cell(measured.lowestVoltageCell))
        (highestVoltage, highestCell) = (measured.highestVoltage, cell(measured.highestVoltageCell))
        (lowestTemperature, coldestCell) = (measured.lowestTemperature, cell(measured.lowestTemperatureCell))
        (highestTemperature, warmestCell) = (measured.highestTemperature, cell(measured.highestTemperatureCell))
        (soc, isSocCalibrated, energyStored) = (measured.soc, measured.isSocCalibrated, measured.energyStored)
    }
}
