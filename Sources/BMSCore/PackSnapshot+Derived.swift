// Values that are computed, not sent. Formulas: facts of the vendor's driver, docs/protocol.md, section "Derived quantities".
extension PackSnapshot {
    /// Nominal voltage of a cell: key 4-5 where it came and lies in the pack's window, else that of the chemistry, else that of LFP.
    public var nominalVoltage: Millivolts {
        ifSound(cellSettings.nominal) ?? (chemistry ?? .lfp).nominalVoltage
    }

    /// A cell voltage from the keys, if it lies between Vmin and Vmax. Keys come one byte at a time and nothing confirms them; without
    /// bounds, one damaged byte could multiply the capacity or change the chemistry of the pack.
    func ifSound(_ voltage: Millivolts?) -> Millivolts? {
        guard let voltage, let settings, voltage > settings.minimumVoltage, voltage < settings.maximumVoltage else {
            return nil
        }
        return voltage
    }

    /// Nominal voltage of the pack; `nil` before the first believed frame.
    public var nominalPackVoltage: Millivolts? {
        settings.map { nominalVoltage * $0.cellCount }
    }

    /// Configured capacity in charge: Wh / (nominal x cells). One count of the wire, 0.1 kWh, is 1.9 Ah on 16 LFP cells.
    public var capacity: MilliampereHours? { charge(settings?.capacity) }

    /// Charge in the pack: stored Wh / (nominal x cells). May exceed ``capacity``, which is often set low on purpose.
    public var storedCharge: MilliampereHours? { charge(measurements?.energyStored) }

    /// Stored less configured charge, never above 0: the convention of GX devices.
    public var consumedCharge: MilliampereHours? {
        guard let capacity, let storedCharge else { return nil }
        return min(.zero, storedCharge - capacity)
    }

    /// Pack voltage x battery current.
    public var power: Milliwatts? {
        guard let measurements, let current = measurements.current else { return nil }
        return Milliwatts(measurements.packVoltage, current)
    }

    /// Seconds until empty at the present current; `nil` unless discharging by more than 0.5 A, and where it takes more than 30 days.
    public var timeToGo: Int? {
        guard let stored = storedCharge, let current = measurements?.current, current.rawValue < -500 else {
            return nil
        }
        let seconds = stored.rawValue * 3600 / -current.rawValue
        return seconds <= 30 * 86_400 ? seconds : nil
    }

    private func charge(_ energy: WattHours?) -> MilliampereHours? {
        guard let energy, let volts = nominalPackVoltage, volts.rawValue > 0 else { return nil }
        return MilliampereHours(energy.rawValue * 1_000_000 / volts.rawValue)
    }
}
