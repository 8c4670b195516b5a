/// Cell chemistry, as far as thresholds tell it.
public enum Chemistry: String, Sendable, CaseIterable {
    /// Lithium iron phosphate.
    case lfp
    /// Nickel manganese cobalt.
    case nmc
    /// Nickel cobalt aluminium, the vendor's "Li-ion".
    case nca
    /// Lithium titanate.
    case lto

    /// Nominal voltage of a cell (vendor's manuals).
    public var nominalVoltage: Millivolts {
        switch self {
        case .lfp: Millivolts(3300)
        case .nmc, .nca: Millivolts(3700)
        case .lto: Millivolts(2300)
        }
    }

    /// The chemistry that thresholds speak of, by the vendor driver's rules in its order; `nil` when they fit none.
    ///
    /// - Parameters:
    ///   - full: V-full where the keys gave it, else V-balance.
    ///   - minimum: V-min.
    public init?(full: Millivolts, minimum: Millivolts) {
        let isHigh = (3800...4400).contains(full.rawValue)
        if (3400...3700).contains(full.rawValue) {
            self = .lfp
        } else if isHigh {
            self = minimum.rawValue >= 3425 ? .nmc : .nca
        } else if minimum.rawValue >= 3425 {
            self = .nmc
        } else if minimum.rawValue >= 3200 {
            self = .nca
        } else if (2500...2800).contains(full.rawValue) {
            self = .lto
        } else {
            return nil
        }
    }
}

/// Generation of the BMS. The wire does not say it; keys seen mean generation 3.
public enum Generation: Int, Sendable, CaseIterable {
    /// IN and OUT boards: bytes 47 and 48 are a clock, a frame every 1.0 or 0.5 s.
    case two = 2
    /// Begin and End boards: key-values, a frame every second.
    case three = 3
}

/// How the BMS's relays are set to behave; it is not on the wire.
public enum RelayMode: String, Sendable, CaseIterable {
    /// The charge relay also opens when the pack is full.
    case normal
    /// Relays open for protection only.
    case critical
}
