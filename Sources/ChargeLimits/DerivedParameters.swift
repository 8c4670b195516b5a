import BMSCore

/// Figures that do not change from one frame to the next: the owner's figures, those of the chemistry under them, the settings of the BMS,
/// and the figures that follow from these.
struct DerivedParameters: Sendable {
    /// Sources of the figures: settings as they were sent, and the keys' voltages.
    private let sent: PackSettings
    private let cellSettings: CellSettings
    let configuration: LimitConfiguration
    /// Chemistry; `nil` where the thresholds fit none.
    let chemistry: Chemistry?
    /// Figures of the chemistry and the owner.
    let profile: ChemistryProfile
    /// Confirmed settings of the BMS, in working order.
    let settings: PackSettings
    /// Treatment of the Vbalance of these settings.
    let balance: Cause.BalanceSource
    /// Threshold of the BMS that contradicts the chemistry; `nil` where none does.
    let thresholdFault: ThresholdFault?
    /// Number of cells.
    let cells: Int
    /// Configured capacity, at least ``leastCapacity``.
    let capacity: MilliampereHours
    /// Voltage at which a cell is too close to Vmax for any more charge: 55 % of the way from Vbalance.
    let hardVoltage: Millivolts
    /// Target of a cell, clear of the hard cut.
    let targetCell: Millivolts
    /// Soft cap of the highest cell, clear of the hard cut.
    let softCap: Millivolts
    /// Least charge voltage of the pack: below it a charger would discharge the pack into the house for no reason.
    let floor: Millivolts
    /// Voltage at which the pack rests after full, whole pack.
    let floatVoltage: Millivolts
    /// Ceiling of the charge voltage by the owner, whole pack; very high where there is none.
    let ceiling: Millivolts
    /// The chemistry's charge current.
    let chargeRating: Milliamperes
    /// Current above which the pack counts as being charged: 1 % of C.
    let charging: Milliamperes
    /// Least discharge current while no cell is empty: 3 % of C, at least ``leastOfGX``.
    let leastDischarge: Milliamperes
    /// Least discharge current near Vmin: 1.5 % of C, at least ``leastOfGX``.
    let leastDischargeNearEmpty: Milliamperes
    /// Least charge voltage of the pack while charging is forbidden.
    let restFloor: Millivolts
    /// Voltage below which a cell may have been harmed.
    let deepVoltage: Millivolts
    /// Current below which a charge counts as ended: 4 % of C.
    let tail: Milliamperes
    /// Current below which the pack rests: 5 % of C.
    let rest: Milliamperes
    /// Voltage at which a cell is nearly empty by the chemistry or the owner.
    let lowCell: Millivolts
    /// Voltage of the lowest cell below which a full pack is charged again; `nil` where the state of charge alone decides.
    let restartVoltage: Millivolts?
    /// Voltage at which the lowest cell is held: V-low less 20 mV where the keys gave it, otherwise Vmin + hold of the chemistry.
    let hold: Millivolts
    /// Resistance of a cell with diffusion, by the owner or the chemistry, milliohm.
    let expectedResistance: Double
    /// Resistance of the pack while nothing is learned.
    let expectedPackResistance: PackResistance

    /// A GX sends less than 2 A as 0, and coming from 0 less than 3 A.
    static let leastOfGX = Milliamperes(3_000)

    /// Capacity that is used where the BMS has none set, so that nothing divides by 0.
    static let leastCapacity = MilliampereHours(1000)

    /// Figures for a pack with these confirmed settings.
    init(_ snapshot: PackSnapshot, _ sent: PackSettings, _ configuration: LimitConfiguration) {
        self.sent = sent
        cellSettings = snapshot.cellSettings
        self.configuration = configuration
        chemistry = snapshot.chemistry
        profile = ChemistryProfile.of(snapshot.chemistry).adapted(to: configuration)
        let thresholds = EffectiveThresholds(sent, snapshot.chemistry)
        settings = thresholds.settings
        balance = thresholds.balance
        thresholdFault = thresholds.fault
        cells = settings.cellCount
        capacity = max(Self.leastCapacity, snapshot.capacity ?? .zero)
        let span = settings.maximumVoltage - settings.balanceVoltage
        hardVoltage = settings.balanceVoltage + Millivolts(span.rawValue * 55 / 100)
        targetCell = min(settings.balanceVoltage + profile.head, hardVoltage - Millivolts(20))
        softCap = min(settings.balanceVoltage + profile.soft, hardVoltage - Millivolts(10))
        let way = settings.balanceVoltage - thresholds.lowestMinimum
        floor = (thresholds.lowestMinimum + Millivolts(way.rawValue * 3 / 10)) * cells
        // A V-low at or under Vmin, or more than 0.25 V above it, is a careless setting.
        let careful = settings.minimumVoltage + Millivolts(30)
        let byKey = snapshot.cellSettings.low.map { $0 - Millivolts(20) }.flatMap { [settings] in
            configuration.hold == nil && $0 >= careful && $0 <= settings.minimumVoltage + Millivolts(230) ? $0 : nil
        }
        lowCell = settings.minimumVoltage + profile.hold
        hold = byKey ?? lowCell
        floatVoltage = (settings.balanceVoltage - profile.floatBelow) * cells
        ceiling = configuration.maximumChargeVoltage ?? Millivolts(.max)
        chargeRating = Self.rate(profile.chargeRate, of: capacity)
        charging = Self.rate(10, of: capacity)
        leastDischarge = max(Self.leastOfGX, Self.rate(30, of: capacity))
        leastDischargeNearEmpty = max(Self.leastOfGX, Self.rate(15, of: capacity))
        restFloor = (thresholds.lowestMinimum - .safe) * cells
        deepVoltage = snapshot.chemistry == .lto ? Millivolts(1500) : Millivolts(2000)
        tail = Self.rate(40, of: capacity)
        rest = Self.rate(50, of: capacity)
        restartVoltage = profile.restartVoltage
        expectedResistance =
            if let configured = configuration.cellResistance {
                max(0.01, Double(configured) / 1000)
            } else {
                // milliohm x ampere-hour over ampere-hours
                profile.resistance / (Double(capacity.rawValue) / 1000)
            }
        expectedPackResistance = PackResistance(
            used: Self.microohms(expectedResistance, cells), measured: nil, steps: 0,
            source: configuration.cellResistance != nil ? .configuration : .chemistry)
    }

    /// The figures fit this snapshot with these settings, too.
    func fit(_ snapshot: borrowing PackSnapshot, _ settings: PackSettings) -> Bool {
        sent == settings && cellSettings == snapshot.cellSettings && chemistry == snapshot.chemistry
    }

    /// A current in thousandths of the capacity per hour.
    func rate(_ permille: Int) -> Milliamperes { Self.rate(permille, of: capacity) }

    private static func rate(_ permille: Int, of capacity: MilliampereHours) -> Milliamperes {
        Milliamperes(capacity.rawValue * permille / 1000)
    }

    /// Resistance of the pack in microohms, from a resistance of a cell in milliohm.
    func microohms(_ cell: Double) -> Int { Self.microohms(cell, cells) }

    private static func microohms(_ cell: Double, _ cells: Int) -> Int { Int(min(1e12, cell * 1000 * Double(cells))) }

    /// Pack voltage at which every cell is `below` its balancing voltage.
    func packVoltage(belowBalance below: Millivolts) -> Millivolts { (settings.balanceVoltage - below) * cells }
}

extension Milliamperes {
    /// Current up to which a reading may mean none: the vendor's sensor with one loop is blind below 0.3 A.
    static let blindSpot = Milliamperes(300)
}

extension Millivolts {
    /// Distance below Vbalance, per cell, at which no charger charges a cell that is at Vbalance.
    static let safe = Millivolts(100)
}
