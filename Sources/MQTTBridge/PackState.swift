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
    /// What it takes of the current of its bank; `nil`: it is in none, or nothing was measured.
    public var share: BankShare?

    /// A state.
    public init(
        memory: LimitMemory? = nil, settings: [String: StoredSetting] = [:], peaks: PackPeaks = PackPeaks(),
        share: BankShare? = nil
    ) {
        self.share = share
        self.peaks = peaks
        self.memory = memory
        self.settings = settings
    }
}

/// Lowest and highest cell voltage that this bridge has seen, until somebody clears them, and the cells that stood out in the last
/// full charge.
public struct PackPeaks: Hashable, Sendable {
    private static let release = Millivolts(50)

    /// Lowest cell voltage; `nil`: none seen yet.
    public var minimumCell: Millivolts?
    /// Highest cell voltage.
    public var maximumCell: Millivolts?
    /// The cell that was first at Vbalance in the last full charge.
    public var strongestCell: Int?
    /// The lowest cell when that charge ended.
    public var weakestCell: Int?
    /// First at Vbalance in the charge that goes on.
    private var leader: Int?
    private var isFull = false

    /// Extremes, as far as they are known.
    public init(
        minimumCell: Millivolts? = nil, maximumCell: Millivolts? = nil, strongestCell: Int? = nil,
        weakestCell: Int? = nil
    ) {
        self.minimumCell = minimumCell
        self.maximumCell = maximumCell
        self.strongestCell = strongestCell
        self.weakestCell = weakestCell
    }

    /// Forgets the extremes.
    mutating func clear() { (minimumCell, maximumCell) = (nil, nil) }

    mutating func note(_ frame: Frame, _ limits: Limits?) {
        minimumCell = min(minimumCell ?? frame.lowestVoltage, frame.lowestVoltage)
        maximumCell = max(maximumCell ?? frame.highestVoltage, frame.highestVoltage)
        if frame.highestVoltage >= frame.balanceVoltage {
            leader = leader ?? frame.highestVoltageCell
        } else if frame.highestVoltage < frame.balanceVoltage - Self.release {
            leader = nil
        }
        let isFull = limits?.state == .full
        if isFull, !self.isFull, let leader { (strongestCell, weakestCell) = (leader, frame.lowestVoltageCell) }
        self.isFull = isFull
    }
}
