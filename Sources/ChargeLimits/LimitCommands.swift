public import BMSCore

/// Commands of people and programs while the bridge runs. Each can only lower a limit: the configuration file stays above it.
public struct LimitCommands: Hashable, Sendable {
    /// The way in which a charge is run.
    public enum ChargeMode: String, Sendable, CaseIterable {
        /// The charge follows the charge states.
        case auto
        /// The pack is held at rest, at the float voltage.
        case float
        /// The pack is charged to the top, once.
        case full
    }

    /// The time since which something is switched off, for the reason's sentence.
    public struct SwitchedOff: Hashable, Sendable {
        /// Minute of the day, local time, 0...1439; `nil` where it is unknown.
        public var minuteOfDay: Int?

        /// Creates the time of a switch-off from a minute of the day.
        public init(minuteOfDay: Int? = nil) { self.minuteOfDay = minuteOfDay }
    }

    /// Ceiling of the charge current.
    public var maximumChargeCurrent: Milliamperes?
    /// Ceiling of the discharge current.
    public var maximumDischargeCurrent: Milliamperes?
    /// Ceiling of the charge voltage, whole pack.
    public var maximumChargeVoltage: Millivolts?
    /// Charging is switched off.
    public var chargeOff: SwitchedOff?
    /// Discharging is switched off.
    public var dischargeOff: SwitchedOff?
    /// The way in which a charge is run.
    public var chargeMode = ChargeMode.auto
    /// Days between full charges in place of the configuration's.
    public var fullChargeInterval: Int?
    /// State of charge at which charging stops, percent; the configuration's is the highest.
    public var maximumSoc: Int?
    /// State of charge that is kept, percent; the configuration's is the least.
    public var reserveSoc: Int?

    /// Creates commands that ask for nothing.
    public init() {}
}

extension LimitCommands.SwitchedOff {
    /// " at 14:02", or nothing.
    package var when: String {
        guard let minuteOfDay, (0..<1440).contains(minuteOfDay) else { return "" }
        let minute = minuteOfDay % 60
        return " at \(minuteOfDay / 60):\(minute < 10 ? "0" : "")\(minute)"
    }
}
