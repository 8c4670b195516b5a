public import BMSCore

extension Frame {
    /// Settings that the BMS repeats in every frame.
    public var settings: PackSettings {
        PackSettings(
            cellCount: cellCount, minimumVoltage: minimumVoltage, maximumVoltage: maximumVoltage,
            balanceVoltage: balanceVoltage, capacity: capacity)
    }

    /// Readings of the frame, in units.
    public func measurements(_ scale: TemperatureScale = .measured) -> Measurements {
        var result = Measurements()
        result.cellCount = cellCount
        result.packVoltage = packVoltage
        (result.current, result.chargerCurrent, result.loadCurrent) = (current, current1, current2)
        (result.lowestVoltage, result.lowestVoltageCell) = (lowestVoltage, lowestVoltageCell)
        (result.highestVoltage, result.highestVoltageCell) = (highestVoltage, highestVoltageCell)
        result.lowestTemperature = scale.temperature(lowestTemperature)
        result.lowestTemperatureCell = lowestTemperatureCell
        result.highestTemperature = scale.temperature(highestTemperature)
        result.highestTemperatureCell = highestTemperatureCell
        (result.soc, result.isSocCalibrated) = (soc, !status.contains(.socUncalibrated))
        (result.energyStored, result.energyInToday, result.energyOutToday) = (
            energyStored, energyInToday, energyOutToday
        )
        (result.lifetimeIn, result.lifetimeOut) = (lifetimeIn, lifetimeOut)
        return result
    }

    /// Reading of the slot's cell; `nil` where the slot belongs to no cell.
    func slotReading(_ scale: TemperatureScale, at now: Timestamp) -> CellReading? {
        guard slotCell >= 1, slotCell <= cellCount else { return nil }
        return CellReading(voltage: slotVoltage, temperature: scale.temperature(slotTemperature), time: now)
    }
}
