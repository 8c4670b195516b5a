/// Cell chemistry, as far as thresholds reveal it.
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

    /// The highest voltage that a cell may ever be charged to (cell data sheets).
    public var highestCellVoltage: Millivolts {
        switch self {
        case .lfp: Millivolts(3650)
        case .nmc, .nca: Millivolts(4200)
        case .lto: Millivolts(2850)
        }
    }

    /// The Vbalance that is used where the BMS has none because balancing is off.
    public var usualBalanceVoltage: Millivolts {
        switch self {
        case .lfp: Millivolts(3400)
        case .nmc, .nca: Millivolts(4000)
        case .lto: Millivolts(2600)
        }
    }

    /// Range of Vbalance in a pack of this chemistry.
    var balanceRange: ClosedRange<Millivolts> {
        switch self {
        case .lfp: Millivolts(3300)...Millivolts(3650)
        case .nmc, .nca: Millivolts(3850)...Millivolts(4200)
        case .lto: Millivolts(2350)...Millivolts(2850)
        }
    }

    /// Range of Vmin in a pack of this chemistry.
    var minimumRange: ClosedRange<Millivolts> {
        switch self {
        case .lfp: Millivolts(2000)...Millivolts(3250)
        case .nmc, .nca: Millivolts(2500)...Millivolts(3650)
        case .lto: Millivolts(1500)...Millivolts(2350)
        }
    }

    /// Range of Vmax: no lower than the lowest Vbalance, and at most 100 mV above the highest cell voltage.
    var maximumRange: ClosedRange<Millivolts> { balanceRange.lowerBound...highestCellVoltage + Millivolts(100) }

    /// The chemistry that the thresholds of a BMS fit; `nil` when they fit none.
    ///
    /// Vbalance decides. Where Vbalance fits no chemistry, V-full decides, if it lies within 0.1 V of Vbalance. Where balancing is off,
    /// Vmin and Vmax decide. NMC and NCA differ in Vmin only: 3.425 V or more is NMC (the vendor's driver).
    ///
    /// - Parameter full: V-full, where the keys gave it.
    public init?(balance: Millivolts, minimum: Millivolts, maximum: Millivolts, full: Millivolts?) {
        let families: [Chemistry] = [.lfp, minimum >= Millivolts(3425) ? .nmc : .nca, .lto]
        let fitting: [Chemistry]
        if PackSettings.isBalancingOff(balance: balance, minimum: minimum, maximum: maximum) {
            fitting = families.filter { $0.minimumRange.contains(minimum) && $0.maximumRange.contains(maximum) }
        } else {
            let near = full.flatMap { ($0 - balance).magnitude <= Millivolts(100) ? $0 : nil }
            let level = [balance, near ?? balance].first { level in
                families.contains { $0.balanceRange.contains(level) }
            }
            fitting = families.filter { chemistry in level.map(chemistry.balanceRange.contains) ?? false }
        }
        guard let only = fitting.first, fitting.count == 1 else { return nil }
        self = only
    }
}

extension PackSettings {
    /// The BMS balances nothing: Vbalance is not above Vmin, or it is less than 50 mV below Vmax.
    public var isBalancingOff: Bool {
        Self.isBalancingOff(balance: balanceVoltage, minimum: minimumVoltage, maximum: maximumVoltage)
    }

    static func isBalancingOff(balance: Millivolts, minimum: Millivolts, maximum: Millivolts) -> Bool {
        balance <= minimum || balance > maximum - Millivolts(50)
    }
}

/// The behaviour that is set for the BMS's relays; it is not on the wire.
public enum RelayMode: String, Sendable, CaseIterable {
    /// The charge relay also opens when the pack is full.
    case normal
    /// Relays open for protection only.
    case critical
}
