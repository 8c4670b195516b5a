/// Charge and power of a battery, computed from its energy, nominal voltage and current.
///
/// Formulas: facts of the vendor's driver, docs/protocol.md, section "Derived quantities".
public struct ChargeFigures: Hashable, Sendable {
    /// Configured capacity: Wh / (nominal x cells). One count of the wire, 0.1 kWh, is 1.9 Ah on 16 LFP cells.
    public let capacity: MilliampereHours?
    /// Charge in the battery: stored Wh / (nominal x cells). May exceed ``capacity``, which is often set low on purpose.
    public let stored: MilliampereHours?
    /// Seconds until empty at the present current; `nil` unless discharging by more than 0.5 A, and where it takes more than 30 days.
    public let timeToGo: Int?
    /// Voltage x current.
    public let power: Milliwatts?

    /// Stored less configured charge, never above 0: the convention of GX devices.
    public var consumed: MilliampereHours? {
        guard let capacity, let stored else { return nil }
        return min(.zero, stored - capacity)
    }

    /// Computes the figures; one of which a part is unknown is `nil`.
    ///
    /// - Parameters:
    ///   - capacity: configured energy.
    ///   - stored: energy in the battery.
    ///   - nominal: nominal voltage of the whole battery.
    ///   - voltage: present voltage.
    ///   - current: present current, positive = charging.
    public init(
        capacity: WattHours?, stored: WattHours?, nominal: Millivolts?, voltage: Millivolts?, current: Milliamperes?
    ) {
        func charge(_ energy: WattHours?) -> MilliampereHours? {
            guard let energy, let nominal, nominal.rawValue > 0 else { return nil }
            return MilliampereHours(energy.rawValue * 1_000_000 / nominal.rawValue)
        }
        self.capacity = charge(capacity)
        self.stored = charge(stored)
        timeToGo = self.stored.flatMap { Self.timeToGo($0, current) }
        power = voltage.flatMap { voltage in current.map { Milliwatts(voltage, $0) } }
    }

    private static func timeToGo(_ stored: MilliampereHours, _ current: Milliamperes?) -> Int? {
        guard let current, current.rawValue < -500 else { return nil }
        let seconds = stored.rawValue * 3600 / -current.rawValue
        return seconds <= 30 * 86_400 ? seconds : nil
    }
}
