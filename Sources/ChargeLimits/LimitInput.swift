import BMSCore

/// What a constraint may look at in one step.
struct LimitInput {
    /// What is known of the pack.
    var snapshot: PackSnapshot
    /// The newest believed frame.
    var frame: Frame
    /// Confirmed settings of the BMS.
    var settings: PackSettings
    /// What the owner allows.
    var configuration: LimitConfiguration
    /// Defaults of the chemistry.
    var profile: ChemistryProfile
    /// Charge state after this frame.
    var state: ChargeState
    /// Seconds since the frame before, 0...5.
    var elapsed: Double
    /// What was published last; `nil` in the first step.
    var published: Limits?
    /// Moment of this step.
    var now: Timestamp

    /// Number of cells.
    var cells: Int { settings.cellCount }
    /// Configured capacity, at least 1 Ah so that nothing divides by an unset one.
    var capacity: MilliampereHours { max(MilliampereHours(1000), snapshot.capacity ?? .zero) }
    /// Battery current, positive = charging; 0 where there is no sensor.
    var current: Milliamperes { frame.current ?? .zero }

    /// A current in thousandths of the capacity per hour.
    func rate(_ permille: Int) -> Milliamperes { Milliamperes(capacity.rawValue * permille / 1000) }

    /// Where a cell is too close to Vmax for any more charge: 55 % of the way from Vbalance.
    var hardVoltage: Millivolts {
        settings.balanceVoltage
            + Millivolts((settings.maximumVoltage - settings.balanceVoltage).rawValue * 55 / 100)
    }

    /// Pack voltage at which every cell sits `below` its balancing voltage.
    func packVoltage(belowBalance below: Millivolts) -> Millivolts { (settings.balanceVoltage - below) * cells }
}

/// A rule that bounds limits. One small file each; a new one is a row in ``ConstraintTable``.
///
/// A constraint may remember (filters, latches): it is stepped once for each believed frame, never for a stale or
/// refused one, so that silence changes no state.
protocol Constraint: Sendable {
    /// `false`: it looks at status bits alone, and is stepped also by frames whose measurements may be junk.
    var usesMeasurements: Bool { get }
    /// Its bounds now; none where it has nothing to say.
    mutating func evaluate(_ input: LimitInput) -> [ConstraintValue]
}

extension Constraint {
    var usesMeasurements: Bool { true }
}
