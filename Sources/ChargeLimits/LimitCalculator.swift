public import BMSCore

/// Snapshot and time to CVL, CCL, DCL: each the minimum of named constraints, falling at once and rising slowly.
///
/// Step it with every frame, and once a second without one: silence must lower limits, too.
public struct LimitCalculator: Sendable {
    private let configuration: LimitConfiguration
    private var constraints = ConstraintTable.all()
    private var values: [[ConstraintValue]] = []
    private var machine = ChargeStateMachine()
    private var cvl = LimitRamp.voltage
    private var ccl = LimitRamp.current
    private var dcl = LimitRamp.current
    /// The snapshot of the step before, without its counters: those move with refused frames, too.
    private var last: PackSnapshot?
    private var lastStepAt: Timestamp?
    private var published: Limits?

    /// A calculator for one pack.
    public init(_ configuration: LimitConfiguration = LimitConfiguration()) {
        self.configuration = configuration
    }

    /// The limits at `now`; `nil` before the first believed frame, when not even the number of cells is known.
    public mutating func step(_ snapshot: PackSnapshot, at now: Timestamp) -> Limits? {
        guard let frame = snapshot.frame, var settings = snapshot.settings else { return nil }
        // What the BMS sends with balancing switched off is not known; a Vbalance near or above Vmax must not lift the
        // charge voltage to where the relay opens. The manuals' settings all leave 50 mV.
        settings.balanceVoltage = min(settings.balanceVoltage, settings.maximumVoltage - Millivolts(50))
        let freshness = configuration.freshness.freshness(of: snapshot.linkAt, at: now)
        var input = LimitInput(
            snapshot: snapshot, frame: frame, settings: settings, configuration: configuration,
            profile: ChemistryProfile.of(snapshot.chemistry), state: machine.state,
            elapsed: seconds(from: last?.measuredAt, to: snapshot.measuredAt),
            published: published, now: now)
        // Two frames may come within a millisecond, so the time alone does not tell a new one.
        var news = snapshot
        news.counters = LinkCounters()
        let hasFrame = news != last
        // Ticks between frames lower limits but do not raise them, and what they took is given to the next frame.
        let sinceFrame = min(1, seconds(from: last?.linkAt, to: snapshot.linkAt))
        if hasFrame {
            evaluate(&input, isMeasured: news.measuredAt != last?.measuredAt || news.frame != last?.frame)
            last = news
        }
        let bounds = values.flatMap { $0 } + Staleness.bounds(input, freshness)
        let limits = publish(
            input, bounds, freshness, mayRise: hasFrame && freshness == .fresh,
            elapsed: max(sinceFrame, seconds(from: lastStepAt, to: now)))
        lastStepAt = now
        published = limits
        return limits
    }

    private mutating func evaluate(_ input: inout LimitInput, isMeasured: Bool) {
        if isMeasured {
            machine.step(input.frame, input.settings, tail: input.rate(40), elapsed: input.elapsed)
            input.state = machine.state
        }
        if values.isEmpty { values = constraints.map { _ in [] } }
        for index in constraints.indices where isMeasured || !constraints[index].usesMeasurements {
            values[index] = constraints[index].evaluate(input)
        }
    }

    private mutating func publish(
        _ input: LimitInput, _ bounds: [ConstraintValue], _ freshness: Freshness, mayRise: Bool,
        elapsed: Double
    ) -> Limits {
        let sorted = bounds.sorted { $0.value < $1.value }
        let lowest = LimitKind.allCases.map { kind in sorted.first { $0.limit == kind } }
        let settings = input.settings
        // Below this a charger would discharge the pack into the house for no reason.
        let span = settings.balanceVoltage - settings.minimumVoltage
        let floor = (settings.minimumVoltage + Millivolts(max(0, span.rawValue) * 3 / 10)) * settings.cellCount
        let cap = input.configuration.maximumChargeVoltage?.rawValue ?? .max
        let voltageGoal = min(max(lowest[0]?.value ?? 0, floor.rawValue), cap)
        let capacity = Double(input.capacity.rawValue)
        let voltage = cvl.step(
            to: voltageGoal, mayRise: mayRise, isFinal: lowest[0]?.name == "target",
            slew: 1.25 * Double(settings.cellCount), elapsed: elapsed)
        let charge = ccl.step(
            to: lowest[1]?.value ?? 0, mayRise: mayRise, isFinal: false, slew: 0.01 * capacity, elapsed: elapsed)
        let discharge = dcl.step(
            to: lowest[2]?.value ?? 0, mayRise: mayRise, isFinal: false, slew: 0.02 * capacity, elapsed: elapsed)
        let hold = settings.minimumVoltage + input.profile.hold
        return Limits(
            cvl: Millivolts(voltage), ccl: Milliamperes(charge), dcl: Milliamperes(discharge),
            state: freshness >= .stale ? .stale : machine.state,
            reasons: [
                .cvl: reason(lowest[0], voltage, cvl) { Millivolts($0).inPackVolts },
                .ccl: reason(lowest[1], charge, ccl) { Milliamperes($0).inAmperes },
                .dcl: reason(lowest[2], discharge, dcl) { Milliamperes($0).inAmperes },
            ],
            constraints: LimitKind.allCases.flatMap { kind in sorted.filter { $0.limit == kind } },
            cellCeiling: settings.balanceVoltage + input.profile.soft,
            lowVoltage: hold * settings.cellCount)
    }

    /// The binding constraint's sentence; where the limit is below it, on its way up or too near to move, that too.
    private func reason(
        _ binding: ConstraintValue?, _ value: Int, _ ramp: LimitRamp, _ show: (Int) -> String
    ) -> String {
        guard let binding else { return "nothing is known yet" }
        guard binding.value - value > ramp.grid else { return binding.reason }
        return "\(ramp.isRising ? "rising slowly towards" : "held below") \(show(binding.value)): \(binding.reason)"
    }

    /// Seconds between two moments, 0...5: a longer gap proves nothing about what happened in it.
    private func seconds(from old: Timestamp?, to new: Timestamp?) -> Double {
        guard let old, let new else { return 0 }
        return Double(min(max(new - old, 0), 5_000)) / 1000
    }
}
