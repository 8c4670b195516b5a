import BMSCore
import SmartBMS

/// Everything that an owner sets in a BMS, or chooses with it.
struct BMSSettings: Sendable {
    let cells: Int
    let revision: ManualRevision
    let mode: RelayMode
    let sensors: CurrentSensors
    let thresholds: Thresholds
    /// Early warning before ``Thresholds/minimum`` (V-low, keys 2 and 3).
    let low: Millivolts
    /// Nominal voltage of a cell (keys 4 and 5).
    let nominal: Millivolts
    /// Configured capacity.
    let capacity: WattHours
    /// T-min for charging, T-min for discharging and T-max, as the wire counts them. The minima are equal where the edition has only one.
    let coldCharge, coldDischarge, hot: RawTemperature
    /// Highest cell number that gets a slot: the top of the switch range, or the number of cells.
    let slots: Int

    /// - Parameter coldest: T-min for charging in degC; `nil` for that of the chemistry.
    init(
        cells: Int, model: CellModel, capacity: WattHours, mode: RelayMode, revision: ManualRevision,
        sensors: CurrentSensors, sendsSlotsAboveCount: Bool, coldest: Double? = nil
    ) {
        self.cells = cells
        self.revision = revision
        self.mode = mode
        self.sensors = sensors
        self.capacity = capacity
        thresholds = revision.thresholds(model.chemistry)
        nominal = model.chemistry.nominalVoltage
        low = thresholds.minimum + Millivolts(model.chemistry == .lfp ? 100 : 60)
        let limits = model.temperatures
        let charge = coldest ?? limits.charge
        coldCharge = Self.raw(charge)
        coldDischarge = Self.raw(revision.splitsMinimumTemperature ? limits.discharge : charge)
        hot = Self.raw(limits.highest)
        let range = try? OptionSwitches.range(of: cells, generation: revision.generation)
        slots = sendsSlotsAboveCount ? range?.upperBound ?? cells : cells
    }

    /// The wire's count nearest to a temperature in degC.
    static func raw(_ celsius: Double) -> RawTemperature {
        let bounded = min(max(celsius, -200), 1000)
        return TemperatureScale.measured.count(Millidegrees(nearest(bounded * 1000)))
    }
}
