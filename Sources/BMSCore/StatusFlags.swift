/// Permissions and alarms of a BMS.
public struct StatusFlags: OptionSet, Hashable, Sendable {
    /// The bits, as the BMS sends them in one byte.
    public var rawValue: UInt8
    /// Wraps the bits.
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// The BMS permits charging.
    public static let chargeAllowed = Self(rawValue: 1 << 0)
    /// The BMS permits discharging.
    public static let dischargeAllowed = Self(rawValue: 1 << 1)
    /// No communication with the cell boards: measurements of this frame may be junk.
    public static let noCellCommunication = Self(rawValue: 1 << 2)
    /// A cell is below Vmin.
    public static let cellTooLow = Self(rawValue: 1 << 3)
    /// A cell is above Vmax.
    public static let cellTooHigh = Self(rawValue: 1 << 4)
    /// A cell is below Tmin.
    public static let tooCold = Self(rawValue: 1 << 5)
    /// A cell is above Tmax.
    public static let tooWarm = Self(rawValue: 1 << 6)
    /// The state of charge was never calibrated by a full charge.
    public static let socUncalibrated = Self(rawValue: 1 << 7)

    /// The bits that are faults. "Charge not allowed" is not one: in normal mode it is how a charge ends.
    public static let alarms: Self = [.noCellCommunication, .cellTooLow, .cellTooHigh, .tooCold, .tooWarm]
    /// The two permissions.
    public static let permissions: Self = [.chargeAllowed, .dischargeAllowed]
    /// Every bit.
    public static let all = Self(rawValue: 0xFF)

    /// The bits that are at their careful value: permissions that are missing, and alarms that are set.
    public var careful: Self { Self.permissions.subtracting(self).union(intersection(.alarms)) }

    /// These flags with some bits put to their careful value: permissions taken away, alarms set.
    public func lowered(_ bits: Self) -> Self {
        subtracting(bits.intersection(.permissions)).union(bits.intersection(.alarms))
    }
}

/// Contacts of the relays of a BMS, and early warnings.
public struct SecondStatus: OptionSet, Hashable, Sendable {
    /// The bits, as the BMS sends them in one byte.
    public var rawValue: UInt8
    /// Wraps the bits.
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// The BMS will soon open a relay.
    public static let earlyWarning = Self(rawValue: 1 << 1)
    /// The pack is below Tmin for charging.
    public static let tooColdToCharge = Self(rawValue: 1 << 2)
    /// The pack is below Tmin for discharging.
    public static let tooColdToDischarge = Self(rawValue: 1 << 3)
    /// Contact of the charge relay is closed.
    public static let chargeRelayClosed = Self(rawValue: 1 << 4)
    /// Contact of the load relay is closed.
    public static let loadRelayClosed = Self(rawValue: 1 << 5)
}
