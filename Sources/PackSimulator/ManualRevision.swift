import BMSCore
public import SmartBMS

/// An edition of the vendor's manual, and the behaviour of the BMS that it came with.
public enum ManualRevision: String, CaseIterable, Sendable {
    /// Generation 2, IN and OUT boards ("V-bypass").
    case generation2
    /// Generation 3, the dealer's edition (GWL), older than rev 6.
    case generation3Dealer
    /// Generation 3, manual rev 6.
    case generation3Rev6
    /// Generation 3, manual rev 13: the newest known.
    case generation3Rev13

    /// Hardware generation.
    public var generation: Generation { self == .generation2 ? .two : .three }

    /// "Full" also requires a low charging power.
    ///
    /// Rev 6 and rev 13, "Algorithm": SoC is set to 100 % and charging ends when all cells are at V-balance "AND
    /// charge rate <= 5% of pack capacity". Generation 2 and the dealer's edition have no such condition.
    var fullNeedsLowRate: Bool { self == .generation3Rev6 || self == .generation3Rev13 }

    /// Charging and discharging each have a T-min of their own: rev 13 only, "Charge and discharge/load relay".
    var splitsMinimumTemperature: Bool { self == .generation3Rev13 }

    /// The SoC is set to 0 % "when one of the cell voltages is below V-min for a longer time while discharging is not allowed": all of
    /// generation 3, "SoC calculation". Generation 2 recalibrates "every time the pack is full" only.
    var resetsSocWhenEmpty: Bool { generation == .three }

    /// "Charge restart" and "Discharge restart" in % SoC: 95 and 5 on the settings screen of the generation 2 manual. The texts of
    /// generation 3 name no default; the same values are assumed.
    var restart: (charge: Int, discharge: Int) { (95, 5) }

    /// Measurement accuracy, "Specifications": +-15 mV and +-5 degC (generation 2), +-20 mV with +-2 degC (dealer,
    /// rev 6) or +-4 degC (rev 13). V and K.
    var accuracy: (voltage: Double, temperature: Double) {
        switch self {
        case .generation2: (0.015, 5)
        case .generation3Dealer, .generation3Rev6: (0.020, 2)
        case .generation3Rev13: (0.020, 4)
        }
    }

    /// Current that a board between the ends draws, A, "Specifications": < 1.3 mA (generation 2), < 1.0 mA (dealer, rev 6), about 1.9 mA
    /// (rev 13).
    var boardCurrent: Double {
        switch self {
        case .generation2: 1.3e-3
        case .generation3Dealer, .generation3Rev6: 1.0e-3
        case .generation3Rev13: 1.9e-3
        }
    }

    /// The thresholds that the edition recommends, "Recommended threshold values for different cell chemistries".
    ///
    /// Rev 13: LTO V-max 2.8, NMC 3.49/4.0/4.15, NCA 3.40/4.0/4.15 V. Rev 6 and dealer: LTO V-max 2.7, NMC 3.43/4.0/4.1, "Li-ion" (taken
    /// for NCA) 3.43/4.1/4.15 V; LFP V-min 3.0 V in rev 6 only. Generation 2 has no such table: its settings screen shows 2.70/3.40/3.60 V
    /// for LFP. The dealer's values are used for the other chemistries, although the switches of generation 2 cannot be set for LTO.
    func thresholds(_ chemistry: CellModel.Chemistry) -> Thresholds {
        switch (self, chemistry) {
        case (.generation2, .lfp): Thresholds(2700, 3400, 3600)
        case (.generation3Rev6, .lfp): Thresholds(3000, 3400, 3700)
        case (_, .lfp): Thresholds(2900, 3400, 3700)
        case (.generation3Rev13, .lto): Thresholds(2150, 2600, 2800)
        case (_, .lto): Thresholds(2150, 2600, 2700)
        case (.generation3Rev13, .nmc): Thresholds(3490, 4000, 4150)
        case (_, .nmc): Thresholds(3430, 4000, 4100)
        case (.generation3Rev13, .nca): Thresholds(3400, 4000, 4150)
        case (_, .nca): Thresholds(3430, 4100, 4150)
        }
    }
}

/// Voltage settings of the BMS.
struct Thresholds: Sendable {
    let minimum: Millivolts
    let balance: Millivolts
    let maximum: Millivolts

    init(_ minimum: Int, _ balance: Int, _ maximum: Int) {
        self.minimum = Millivolts(minimum)
        self.balance = Millivolts(balance)
        self.maximum = Millivolts(maximum)
    }
}

/// Current sensors on the first board.
public enum CurrentSensors: String, CaseIterable, Sendable {
    /// Sensor 1 on the charger's cable, sensor 2 on the consumers'.
    case two
    /// Sensor 1 alone, on the battery's cable ("When connecting only one sensor, connect this to Sensor 1"); the
    /// frame marks sensor 2 with X.
    case one
}
