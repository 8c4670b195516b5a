public import BMSCore
public import ChargeLimits

/// What of a pack survives a restart.
public struct PackState: Hashable, Sendable {
    /// What was learned; `nil`: nothing yet.
    public var memory: LimitMemory?
    /// Settings that somebody changed, by name.
    public var settings: [String: StoredSetting]

    /// Extremes that were seen.
    public var peaks: PackPeaks

    /// A state.
    public init(
        memory: LimitMemory? = nil, settings: [String: StoredSetting] = [:], peaks: PackPeaks = PackPeaks()
    ) {
        self.peaks = peaks
        self.memory = memory
        self.settings = settings
    }
}

/// Lowest and highest cell voltage that this bridge has seen, until somebody clears them.
public struct PackPeaks: Hashable, Sendable {
    /// Lowest cell voltage; `nil`: none seen yet.
    public var minimumCell: Millivolts?
    /// Highest cell voltage.
    public var maximumCell: Millivolts?

    /// Extremes, as far as they are known.
    public init(minimumCell: Millivolts? = nil, maximumCell: Millivolts? = nil) {
        self.minimumCell = minimumCell
        self.maximumCell = maximumCell
    }

    mutating func note(_ frame: Frame) {
        minimumCell = min(minimumCell ?? frame.lowestVoltage, frame.lowestVoltage)
        maximumCell = max(maximumCell ?? frame.highestVoltage, frame.highestVoltage)
    }
}
