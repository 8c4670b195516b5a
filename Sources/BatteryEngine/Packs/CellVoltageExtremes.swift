public import BMSCore
import ChargeLimits

/// Lowest and highest cell voltage that this bridge has seen, until somebody clears them, and the cells that stood out in the last
/// full charge.
public struct CellVoltageExtremes: Hashable, Sendable {
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

    mutating func note(_ measured: Measurements, balance: Millivolts, _ limits: Limits?) {
        minimumCell = min(minimumCell ?? measured.lowestVoltage, measured.lowestVoltage)
        maximumCell = max(maximumCell ?? measured.highestVoltage, measured.highestVoltage)
        if measured.highestVoltage >= balance {
            leader = leader ?? measured.highestVoltageCell
        } else if measured.highestVoltage < balance - Self.release {
            leader = nil
        }
        let isFull = limits?.state == .full
        if isFull, !self.isFull, let leader { (strongestCell, weakestCell) = (leader, measured.lowestVoltageCell) }
        self.isFull = isFull
    }
}
