import BMSCore

/// Bounds by the chemistry: no charge voltage above the highest that its cells take, and no charge at all where the BMS's thresholds
/// contradict the chemistry: then one of the two is wrong, and nobody knows which.
///
/// Highest cell voltage (cell data sheets): LFP 3.65, NMC and NCA 4.20, LTO 2.85 V. DCL goes on, with the higher of the BMS's and the
/// chemistry's Vmin (``EffectiveThresholds``).
///
/// Example: 24 LTO cells: CVL 68.40 V at most; with a Vmax of 3.7 V in the BMS CCL 0, and ``RestHold`` holds CVL.
struct ChemistryBounds: LimitRule {
    mutating func bounds(_ input: LimitInput, after earlier: [Bound]) -> [Bound] {
        guard let chemistry = input.figures.chemistry else { return [] }
        let cell = chemistry.highestCellVoltage
        let most = Bound.cvl(cell * input.cells, .cellRating, .chemistryCeiling(chemistry, cell: cell))
        guard let fault = input.figures.thresholdFault else { return [most] }
        return [most, .ccl(.zero, .chemistry, .contradiction(fault))]
    }
}
