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

    /// Configured capacity in charge; `nil` before the first believed frame.
    public var capacity: MilliampereHours? { charge.capacity }

    /// Charge and power by the newest believed measurements.
    public var charge: ChargeFigures {
        ChargeFigures(
            capacity: settings?.capacity, stored: measurements?.energyStored, nominal: nominalPackVoltage,
            voltage: measurements?.packVoltage, current: measurements?.current)
    }
}
