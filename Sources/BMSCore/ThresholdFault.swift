/// A threshold of the BMS that contradicts the chemistry: one of the two is wrong, and nobody here can tell which.
public struct ThresholdFault: Hashable, Sendable {
    /// Thresholds that depend on the chemistry.
    public enum Threshold: String, Hashable, Sendable {
        /// The load relay opens below this voltage.
        case minimum = "Vmin"
        /// The charge relay opens at this voltage.
        case maximum = "Vmax"
        /// A board balances above this voltage.
        case balance = "Vbalance"
    }

    /// The chemistry that the thresholds were compared with.
    public let chemistry: Chemistry
    /// The threshold that contradicts it.
    public let threshold: Threshold
    /// Value that the BMS has.
    public let value: Millivolts
    /// Range that the chemistry allows.
    public let range: ClosedRange<Millivolts>

    /// "the BMS has Vmax 4.200 V, and LFP cells need 3.300 to 3.750 V"
    public var sentence: String {
        func volts(_ voltage: Millivolts) -> String { FixedPoint.text(thousandths: voltage.rawValue, decimals: 3) }
        return "the BMS has \(threshold.rawValue) \(volts(value)) V, and \(chemistry.rawValue.uppercased()) cells need "
            + "\(volts(range.lowerBound)) to \(volts(range.upperBound)) V"
    }
}

extension Chemistry {
    /// The threshold that contradicts this chemistry; `nil` where all fit. Vbalance is not judged where balancing is off.
    public func accepts(_ settings: PackSettings) -> ThresholdFault? {
        func fault(
            _ threshold: ThresholdFault.Threshold, _ value: Millivolts, _ range: ClosedRange<Millivolts>
        ) -> ThresholdFault? {
            range.contains(value)
                ? nil : ThresholdFault(chemistry: self, threshold: threshold, value: value, range: range)
        }
        return fault(.maximum, settings.maximumVoltage, maximumRange)
            ?? (settings.isBalancingOff ? nil : fault(.balance, settings.balanceVoltage, balanceRange))
            ?? fault(.minimum, settings.minimumVoltage, minimumRange)
    }
}
