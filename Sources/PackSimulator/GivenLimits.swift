public import BMSCore

/// Limits that the power system is told to keep; `nil` for a limit that it is not told.
public struct GivenLimits: Hashable, Sendable {
    /// Charge voltage limit of the pack. Without it chargers regulate to the manual's cells x (Vbalance + 30 mV).
    public var cvl: Millivolts?
    /// Charge current limit of the battery, not negative. Without it the charger's own maximum applies.
    public var ccl: Milliamperes?
    /// Discharge current limit of the battery, not negative. Without it the inverter's own maximum applies.
    public var dcl: Milliamperes?

    /// Creates limits; by default none.
    public init(cvl: Millivolts? = nil, ccl: Milliamperes? = nil, dcl: Milliamperes? = nil) {
        self.cvl = cvl
        self.ccl = ccl
        self.dcl = dcl
    }
}
