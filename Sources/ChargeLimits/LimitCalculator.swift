public import BMSCore

/// Snapshot and time to CVL, CCL, DCL: each the minimum of named constraints, falling at once and rising slowly.
///
/// Step it with every frame, and once a second without one: silence must lower limits, too.
public struct LimitCalculator: Sendable {
    private let configuration: LimitConfiguration
    private var constraints = ConstraintTable.all()
    /// Bounds of all constraints, each as of its last step.
    private var values: [ConstraintValue] = []
    /// Where those of each constraint end.
    private var ends: [Int]
    private var machine = ChargeStateMachine()
    private var imbalance = ImbalanceFilter()
    private var estimator = ResistanceEstimator()
    private var schedule: FullChargeSchedule
    private var chargeByVoltage = ChargeByVoltage()
    private var cvl = LimitRamp.voltage
    private var ccl = LimitRamp.current
    private var dcl = LimitRamp.current
    private var keepers = LimitKind.allCases.map { _ in ReasonKeeper() }
    private var profile: (chemistry: Chemistry?, figures: ChemistryProfile)?
    private var memory: LimitMemory?
    /// The snapshot of the step before, without its counters: those move with refused frames, too.
    private var last: PackSnapshot?
    private var lastStepAt: Timestamp?
    private var hasNewCommands = false
    private var published: Limits.Levels?

    /// A calculator for one pack.
    ///
    /// - Parameters:
    ///   - memory: what an earlier one had learned; taken when the pack is still the same.
    ///   - now: the moment to which `memory` refers.
    public init(
        _ configuration: LimitConfiguration = LimitConfiguration(), memory: LimitMemory? = nil,
        at now: Timestamp = Timestamp(milliseconds: 0)
    ) {
        self.configuration = configuration
        self.memory = memory
        ends = constraints.map { _ in 0 }
        schedule = FullChargeSchedule(configuration)
        if let seconds = memory?.secondsSinceFull { schedule.wasFull(secondsAgo: seconds, at: now) }
    }

    /// What somebody asked for. The next step obeys it, with or without a frame; a full charge that was asked for is
    /// over when the pack is full, see ``isFullChargeRequested``.
    public var commands = LimitCommands() {
        didSet {
            guard commands != oldValue else { return }
            hasNewCommands = true
            schedule.commandedInterval = commands.fullChargeInterval
            if commands.chargeMode != oldValue.chargeMode { schedule.request(commands.chargeMode == .full) }
        }
    }

    /// Time since the pack was last full, over restarts; `nil`: not seen yet.
    public func secondsSinceFull(at now: Timestamp) -> Int64? { schedule.secondsSinceFull(at: now) }

    /// A full charge was asked for and has not ended.
    public var isFullChargeRequested: Bool { schedule.isRequested }

    /// The charge voltage that is aimed at, by thresholds, chemistry and the owner's headroom; `nil` before the first
    /// believed frame.
    public static func targetVoltage(_ snapshot: PackSnapshot, _ configuration: LimitConfiguration) -> Millivolts? {
        guard let frame = snapshot.frame, let settings = snapshot.settings else { return nil }
        let input = LimitInput(
            snapshot: snapshot, frame: frame, thresholds: WorkingThresholds(settings, snapshot.chemistry),
            configuration: configuration,
            profile: ChemistryProfile.of(snapshot.chemistry).adapted(to: configuration), state: .bulk, elapsed: 0,
            now: Timestamp(milliseconds: 0))
        return input.targetCell * input.cells
    }

    /// What should survive a restart; `nil` before the first believed frame.
    public func memory(at now: Timestamp) -> LimitMemory? {
        guard let settings = last?.settings else { return nil }
        return LimitMemory(
            cellCount: settings.cellCount, capacity: settings.capacity, resistance: estimator.learned,
            secondsSinceFull: schedule.secondsSinceFull(at: now))
    }

    /// The limits at `now`; `nil` before the first believed frame, when not even the number of cells is known.
    public mutating func step(
        _ snapshot: PackSnapshot, at now: Timestamp, _ context: LimitContext = LimitContext()
    ) -> Limits? {
        guard let frame = snapshot.frame, let settings = snapshot.settings else { return nil }
        let before = last?.settings
        recall(settings, before)
        let freshness = configuration.freshness.freshness(of: snapshot.linkAt, at: now)
        var input = LimitInput(
            snapshot: snapshot, frame: frame, thresholds: WorkingThresholds(settings, snapshot.chemistry),
            configuration: configuration, commands: commands, profile: figures(snapshot.chemistry),
            state: machine.state,
            cellsBefore: before.flatMap { $0.cellCount == settings.cellCount ? nil : $0.cellCount },
            elapsed: seconds(from: last?.measuredAt, to: snapshot.measuredAt), published: published, now: now)
        // Two frames may come within a millisecond, so the time alone does not tell a new one.
        let hasFrame = snapshot.isNews(after: last)
        // Ticks between frames lower limits but do not raise them, and what they took is given to the next frame.
        let sinceFrame = min(1, seconds(from: last?.linkAt, to: snapshot.linkAt))
        if hasFrame {
            let isMeasured = snapshot.measuredAt != last?.measuredAt || frame != last?.frame
            evaluate(&input, context, isMeasured: isMeasured)
            last = snapshot
        } else if hasNewCommands {
            // Filters stand still: a command is no frame.
            input.elapsed = 0
            obey(&input, context)
        }
        hasNewCommands = false
        let isDistrusted = FreshnessTimes.isDistrusted(snapshot.damagedAt, at: now)
        let limits = publish(
            input, freshness, mayRise: hasFrame && freshness == .fresh && !isDistrusted, isDistrusted: isDistrusted,
            elapsed: max(sinceFrame, seconds(from: lastStepAt, to: now)))
        lastStepAt = now
        published = limits.levels
        return limits
    }

    /// What was learned holds for one pack: another number of cells or another capacity ends it.
    private mutating func recall(_ settings: PackSettings, _ before: PackSettings?) {
        if let before {
            guard before.cellCount != settings.cellCount || before.capacity != settings.capacity else { return }
            estimator = ResistanceEstimator()
            chargeByVoltage = ChargeByVoltage()
            guard before.cellCount != settings.cellCount else { return }
            constraints = ConstraintTable.all()
            machine = ChargeStateMachine()
            imbalance = ImbalanceFilter()
            schedule = FullChargeSchedule(configuration)
            schedule.commandedInterval = commands.fullChargeInterval
            schedule.request(commands.chargeMode == .full)
        } else if let memory, memory.cellCount == settings.cellCount, memory.capacity == settings.capacity {
            estimator = ResistanceEstimator(memory.resistance)
        }
        memory = nil
    }

    private mutating func figures(_ chemistry: Chemistry?) -> ChemistryProfile {
        if let profile, profile.chemistry == chemistry { return profile.figures }
        let figures = ChemistryProfile.of(chemistry).adapted(to: configuration)
        profile = (chemistry, figures)
        return figures
    }

    private mutating func evaluate(_ input: inout LimitInput, _ context: LimitContext, isMeasured: Bool) {
        let expected = expectedResistance(input)
        if isMeasured {
            input.imbalance = imbalance.step(input.frame, input.settings, elapsed: input.elapsed)
            estimator.step(input, expected: expected)
            let isFull = machine.step(input.frame, input.settings, machineContext(input, context))
            if isFull { schedule.wasFull(secondsAgo: 0, at: input.now) }
            describe(&input, context, expected: expected)
        }
        evaluate(input) { isMeasured || !$0.usesMeasurements }
    }

    /// Renews the bounds of the chosen constraints.
    private mutating func evaluate(_ input: LimitInput, where isChosen: (any Constraint) -> Bool) {
        var renewed: [ConstraintValue] = []
        // From one step to the next few bounds come.
        renewed.reserveCapacity(values.count + 8)
        var start = 0
        for index in constraints.indices {
            let end = ends[index]
            if isChosen(constraints[index]) {
                constraints[index].evaluate(input, into: &renewed)
            } else {
                renewed.append(contentsOf: values[start..<end])
            }
            start = end
            ends[index] = renewed.count
        }
        values = renewed
    }

    /// What constraints look at beside the frame.
    private func describe(_ input: inout LimitInput, _ context: LimitContext, expected: Double) {
        input.state = machine.state
        input.isStalled = machine.isStalled
        input.isAwaitingPacks = !context.otherPacksAreFull
        input.resistance = estimator.used(input, expected: expected)
    }

    /// Evaluates what a command may have changed, with the frame of before.
    private mutating func obey(_ input: inout LimitInput, _ context: LimitContext) {
        input.imbalance = imbalance.level ?? 0
        describe(&input, context, expected: expectedResistance(input))
        evaluate(input) { $0.usesMeasurements }
    }

    private func machineContext(_ input: LimitInput, _ context: LimitContext) -> ChargeStateMachine.Context {
        let hasEased = published.map { $0.cvl <= FloatVoltage.goal(input) + Millivolts(20) } ?? false
        return ChargeStateMachine.Context(
            tail: input.rate(40), rest: input.rate(50), restartSoc: configuration.restartSoc,
            restartVoltage: input.profile.restartVoltage, isEndedByBMS: input.isEndedByBMS,
            mayFloat: hasEased && context.otherPacksAreFull && configuration.floats,
            isFullChargeDue: commands.chargeMode != .float && schedule.isDue(at: input.now, hour: context.hour),
            elapsed: input.elapsed)
    }

    /// Of a cell with diffusion, milliohm.
    private func expectedResistance(_ input: LimitInput) -> Double {
        if let configured = configuration.cellResistance { return max(0.01, Double(configured) / 1000) }
        // milliohm x ampere-hour over ampere-hours
        return input.profile.resistance / (Double(input.capacity.rawValue) / 1000)
    }

    private mutating func publish(
        _ input: LimitInput, _ freshness: Freshness, mayRise: Bool, isDistrusted: Bool, elapsed: Double
    ) -> Limits {
        var bounds = values
        commands.evaluate(input, into: &bounds)
        chargeByVoltage.evaluate(input, into: &bounds)
        Staleness.evaluate(input, freshness, into: &bounds)
        let settings = input.settings
        // Below this a charger would discharge the pack into the house for no reason.
        let span = settings.balanceVoltage - settings.minimumVoltage
        let floor = (settings.minimumVoltage + Millivolts(max(0, span.rawValue) * 3 / 10)) * settings.cellCount
        if input.cellsBefore != nil { cvl.lift(to: floor.rawValue) }
        let cap = configuration.maximumChargeVoltage?.rawValue ?? .max
        let lowest = (
            cvl: bounds.placeOfLowest(.cvl), ccl: bounds.placeOfLowest(.ccl), dcl: bounds.placeOfLowest(.dcl)
        )
        func goal(_ place: Int?) -> Int { place.map { bounds[$0].value } ?? 0 }
        let capacity = Double(input.capacity.rawValue)
        let voltage = cvl.step(
            to: min(max(goal(lowest.cvl), floor.rawValue), cap), mayRise: mayRise,
            isFinal: lowest.cvl.map { bounds[$0].name } == "target", slew: 1.25 * Double(settings.cellCount),
            elapsed: elapsed)
        let charge = ccl.step(
            to: goal(lowest.ccl), mayRise: mayRise, isFinal: false, slew: 0.01 * capacity, elapsed: elapsed)
        let discharge = dcl.step(
            to: goal(lowest.dcl), mayRise: mayRise, isFinal: false, slew: 0.02 * capacity, elapsed: elapsed)
        func why(_ kind: LimitKind, _ place: Int?, _ value: Int, _ ramp: LimitRamp) -> Limits.Reason {
            let reason = Limits.Reason(
                place.map { bounds[$0] }, value, ramp, isDistrusted: isDistrusted, isVoltage: kind == .cvl)
            return keepers[kind.rank].step(reason, value: value, at: input.now)
        }
        let reasons = [
            why(.cvl, lowest.cvl, voltage, cvl), why(.ccl, lowest.ccl, charge, ccl),
            why(.dcl, lowest.dcl, discharge, dcl),
        ]
        return Limits(
            cvl: Millivolts(voltage), ccl: Milliamperes(charge), dcl: Milliamperes(discharge),
            state: freshness >= .stale ? .stale : machine.state,
            cellCeiling: input.softCap,
            lowVoltage: (settings.minimumVoltage + input.profile.hold) * settings.cellCount,
            resistance: resistance(input), why: reasons, bounds: bounds)
    }

    private func resistance(_ input: LimitInput) -> PackResistance {
        let expected = expectedResistance(input)
        func microohms(_ cell: Double) -> Int { Int(min(1e12, cell * 1000 * Double(input.cells))) }
        let learned = estimator.isConfident ? estimator.learned?.mean : nil
        return PackResistance(
            used: microohms(estimator.used(input, expected: expected)), measured: learned.map(microohms),
            steps: estimator.learned?.steps ?? 0,
            source: learned != nil ? .learned : configuration.cellResistance != nil ? .configuration : .chemistry)
    }

    /// Seconds between two moments, 0...5: a longer gap proves nothing about what happened in it.
    private func seconds(from old: Timestamp?, to new: Timestamp?) -> Double {
        guard let old, let new else { return 0 }
        return Double(min(max(new - old, 0), 5_000)) / 1000
    }
}

extension PackSnapshot {
    /// Differs from an earlier one in more than its counters.
    fileprivate func isNews(after old: PackSnapshot?) -> Bool {
        guard let old else { return true }
        return linkAt != old.linkAt || measuredAt != old.measuredAt || frame != old.frame
            || newestStatus != old.newestStatus || permissions != old.permissions || alarms != old.alarms
            || settings != old.settings || keys != old.keys || cellSettings != old.cellSettings || cells != old.cells
            || chemistry != old.chemistry
    }
}
