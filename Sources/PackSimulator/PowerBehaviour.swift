public import BMSCore

/// The way in which charger and inverter obey the limits that they are given; by default they obey all.
public struct PowerBehaviour: Hashable, Sendable {
    /// Discharge limits that an inverter knows.
    public enum Discharge: Hashable, Sendable {
        /// Every DCL.
        case limit
        /// DCL 0 alone, as off the grid: loads take any power until everything is switched off.
        case zeroOnly
    }

    /// Distance between the voltage that the charger holds and the voltage that it is told to hold, whole pack.
    public var voltageOffset = Millivolts.zero
    /// The charger obeys CVL; otherwise it holds its own voltage plus ``voltageOffset``.
    public var obeysVoltage = true
    /// The charger obeys CCL.
    public var obeysCurrent = true
    /// Seconds until CCL is obeyed; at least ``delay``. On a GX with several MPPTs it can be 45.
    public var currentDelay = delay
    /// Discharge limits that the inverter obeys.
    public var discharge = Discharge.limit
    /// The inverter is on the grid and exports the power above CVL.
    public var exports = false

    /// Seconds until any limit is obeyed.
    public static let delay = 2

    /// Power electronics that obey every limit.
    public init() {}
}
