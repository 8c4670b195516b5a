public import BMSCore

/// Snapshot and time to CVL, CCL, DCL: each the minimum of named constraints, falling at once and rising slowly.
///
/// Step it with every frame, and once a second without one: silence must lower limits, too.
public struct LimitCalculator: Sendable {
    private let configuration: Shared<LimitConfiguration>
    /// That of the step before, for the next.
    private var input: LimitInput?
    private var constraints = ConstraintTable()
    private var machine = ChargeStateMachine()
    private var imbalance = ImbalanceFilter()
    private var estimator = ResistanceEstimator()
    private var schedule: FullChargeSchedule
    private var chargeByVoltage = ChargeByVoltage()
    private var cvl = LimitRamp.voltage
    private var ccl = LimitRamp.current
    private var dcl = LimitRamp.current
    private var keepers = PerLimit(cvl: ReasonKeeper(), ccl: ReasonKeeper(), dcl: ReasonKeeper())
    /// What they tell; `nil`: that has changed.
    private var why: Shared<PerLimit<Limits.Reason>>?
    private var memory: LimitMemory?
    private var last: Seen?
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
        self.configuration = Shared(configuration)
        self.memory = memory
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
        guard snapshot.frame != nil, let settings = snapshot.settings else { return nil }
        let figures = LimitFigures(snapshot, settings, configuration)
        return figures.targetCell * figures.cells
    }

    /// What should survive a restart; `nil` before the first believed frame.
    public func memory(at now: Timestamp) -> LimitMemory? {
        guard let settings = last?.settings else { return nil }
        return LimitMemory(
            cellCount: settings.cellCount, capacity: settings.capacity, resistance: estimator.learned.memory,
            secondsSinceFull: schedule.secondsSinceFull(at: now))
    }

    /// The limits at `now`; `nil` before the first believed frame, when not even the number of cells is known.
    public mutating func step(
        _ snapshot: borrowing PackSnapshot, at now: Timestamp, _ context: LimitContext = LimitContext()
    ) -> Limits? {
        guard snapshot.frame != nil, let settings = snapshot.settings else { return nil }
        let before = last?.settings
        recall(settings, before)
        let freshness = configuration.value.freshness.freshness(of: snapshot.linkAt, at: now)
        let input = begin(snapshot, settings, at: now)
        defer { self.input = input }
        input.state = machine.state
        input.cellsBefore = before.flatMap { $0.cellCount == settings.cellCount ? nil : $0.cellCount }
        input.elapsed = Self.seconds(from: last?.measuredAt, to: snapshot.measuredAt)
        input.published = published
        let hasFrame = last?.isAll(of: snapshot) != true
        // Ticks between frames lower limits but do not raise them, and what they took is given to the next frame.
        let sinceFrame = min(1, Self.seconds(from: last?.linkAt, to: snapshot.linkAt))
        if hasFrame {
            evaluate(input, context, isMeasured: snapshot.framesMeasured != last?.framesMeasured)
            last = Seen(snapshot, settings)
        } else if hasNewCommands {
            // Filters stand still: a command is no frame.
            input.elapsed = 0
            obey(input, context)
        }
        hasNewCommands = false
        let isDistrusted = FreshnessTimes.isDistrusted(snapshot.damagedAt, at: now)
        let elapsed = max(sinceFrame, Self.seconds(from: lastStepAt, to: now))
        lastStepAt = now
        return publish(
            input, freshness, mayRise: hasFrame && freshness == .fresh && !isDistrusted, isDistrusted: isDistrusted,
            elapsed: elapsed)
    }

    /// What this step looks at. The object of the step before serves again where nothing else has it and the figures still hold.
    private mutating func begin(
        _ snapshot: borrowing PackSnapshot, _ settings: PackSettings, at now: Timestamp
    ) -> LimitInput {
        // Taken out, not copied: an object that two hold is counted by each step.
        var figures: LimitFigures?
        if var old = input.take() {
            if isKnownUniquelyReferenced(&old), old.begin(snapshot, settings, at: now) {
                if hasNewCommands { old.commands = commands }
                return old
            }
            if old.figures.fit(snapshot, settings) { figures = old.figures }
        }
        return LimitInput(
            snapshot, figures ?? LimitFigures(copy snapshot, settings, configuration.value), commands, at: now)
    }

    /// What was learned holds for one pack: another number of cells or another capacity ends it.
    private mutating func recall(_ settings: PackSettings, _ before: PackSettings?) {
        if let before {
            guard before.cellCount != settings.cellCount || before.capacity != settings.capacity else { return }
            estimator = ResistanceEstimator()
            chargeByVoltage = ChargeByVoltage()
            guard before.cellCount != settings.cellCount else { return }
            constraints = ConstraintTable()
            machine = ChargeStateMachine()
            imbalance = ImbalanceFilter()
            schedule = FullChargeSchedule(configuration.value)
            schedule.commandedInterval = commands.fullChargeInterval
            schedule.request(commands.chargeMode == .full)
        } else if let memory, memory.cellCount == settings.cellCount, memory.capacity == settings.capacity {
            estimator = ResistanceEstimator(memory.resistance)
        }
        memory = nil
    }

    private mutating func evaluate(_ input: LimitInput, _ context: LimitContext, isMeasured: Bool) {
        if isMeasured {
            input.imbalance = imbalance.step(input.frame, input.settings, elapsed: input.elapsed)
            estimator.step(input)
            let isDue = commands.chargeMode != .float && schedule.isDue(at: input.now, hour: context.hour)
            let isFull = machine.step(
                input.frame, input.settings,
                input.charge(isFullChargeDue: isDue, otherPacksAreFull: context.otherPacksAreFull))
            if isFull { schedule.wasFull(secondsAgo: 0, at: input.now) }
            input.note(machine, estimator.learned, context)
        }
        constraints.renew(isMeasured ? .all : .statusOnly, input)
    }

    /// Evaluates what a command may have changed, with the frame of before.
    private mutating func obey(_ input: LimitInput, _ context: LimitContext) {
        input.imbalance = imbalance.level ?? 0
        input.note(machine, estimator.learned, context)
        constraints.renew(.measurementsOnly, input)
    }

    private mutating func publish(
        _ input: LimitInput, _ freshness: Freshness, mayRise: Bool, isDistrusted: Bool, elapsed: Double
    ) -> Limits {
        constraints.append { bounds in
            input.commands.evaluate(input, into: &bounds)
            chargeByVoltage.evaluate(input, into: &bounds)
            Staleness.evaluate(input, freshness, into: &bounds)
        }
        let bounds = constraints.values
        let (goals, places) = (constraints.lowest.goals, constraints.lowest.places)
        let settings = input.settings
        let floor = input.figures.floor
        if input.cellsBefore != nil { cvl.lift(to: floor.rawValue) }
        let capacity = Double(input.capacity.rawValue)
        let voltage = cvl.step(
            to: min(max(goals.cvl, floor.rawValue), input.figures.ceiling.rawValue), mayRise: mayRise,
            isFinal: places.cvl.map { bounds[$0].name } == .target, slew: 1.25 * Double(settings.cellCount),
            elapsed: elapsed)
        let charge = ccl.step(
            to: goals.ccl, mayRise: mayRise, isFinal: false, slew: 0.01 * capacity, elapsed: elapsed)
        let discharge = dcl.step(
            to: goals.dcl, mayRise: mayRise, isFinal: false, slew: 0.02 * capacity, elapsed: elapsed)
        func tell(_ keeper: inout ReasonKeeper, _ place: Int?, _ value: Int, _ ramp: LimitRamp, isVoltage: Bool = false)
        {
            if let place, !ramp.isBelow(bounds[place].value, value),
                keeper.isCalm(bounds[place].name, value: value, at: input.now)
            {
                return
            }
            let stance = Limits.Reason.Stance(
                value, under: place.map { bounds[$0].value }, ramp, isDistrusted: isDistrusted)
            guard keeper.isNews(place.map { bounds[$0].name }, stance, value: value, at: input.now) else { return }
            let reason = Limits.Reason(place.map { bounds[$0] }, stance, isVoltage: isVoltage)
            if keeper.kept != reason { why = nil }
            keeper.keep(reason, at: input.now)
        }
        tell(&keepers.cvl, places.cvl, voltage, cvl, isVoltage: true)
        tell(&keepers.ccl, places.ccl, charge, ccl)
        tell(&keepers.dcl, places.dcl, discharge, dcl)
        let levels = Limits.Levels(
            cvl: Millivolts(voltage), ccl: Milliamperes(charge), dcl: Milliamperes(discharge))
        published = levels
        return Limits(
            cvl: levels.cvl, ccl: levels.ccl, dcl: levels.dcl, state: freshness >= .stale ? .stale : machine.state,
            cellCeiling: input.figures.softCap,
            lowVoltage: input.figures.lowCell * settings.cellCount,
            resistance: estimator.learned.resistance(input), why: reasons(), bounds: bounds)
    }

    /// What the keepers tell, made anew where one of them has changed.
    private mutating func reasons() -> Shared<PerLimit<Limits.Reason>> {
        if let why { return why }
        let nothing = Limits.Reason(nil, .bound, isVoltage: false)
        let new = Shared(
            PerLimit(
                cvl: keepers.cvl.kept ?? nothing, ccl: keepers.ccl.kept ?? nothing, dcl: keepers.dcl.kept ?? nothing))
        why = new
        return new
    }

    /// Seconds between two moments, 0...5: a longer gap proves nothing about what happened in it.
    private static func seconds(from old: Timestamp?, to new: Timestamp?) -> Double {
        guard let old, let new else { return 0 }
        return Double(min(max(new - old, 0), 5_000)) / 1000
    }
}

extension LimitInput {
    /// What constraints look at beside the frame.
    fileprivate func note(
        _ machine: ChargeStateMachine, _ learned: LearnedResistance, _ context: LimitContext
    ) {
        state = machine.state
        isStalled = machine.isStalled
        isAwaitingPacks = !context.otherPacksAreFull
        resistance = learned.used(self)
    }

    /// What the charge states look at beside the frame.
    fileprivate func charge(isFullChargeDue: Bool, otherPacksAreFull: Bool) -> ChargeStateMachine.Context {
        let hasEased = published.map { $0.cvl <= figures.floatVoltage + Millivolts(20) } ?? false
        return ChargeStateMachine.Context(
            tail: figures.tail, rest: figures.rest, restartSoc: configuration.restartSoc,
            restartVoltage: figures.restartVoltage, isEndedByBMS: isEndedByBMS,
            mayFloat: hasEased && otherPacksAreFull && configuration.floats, isFullChargeDue: isFullChargeDue,
            elapsed: elapsed)
    }
}

/// What a step keeps of the snapshot that it saw.
private struct Seen: Sendable {
    let settings: PackSettings
    let framesMeasured: Int
    let measuredAt: Timestamp?
    let linkAt: Timestamp?
    private let framesAccepted: Int
    private let permissions: StatusFlags
    private let alarms: StatusFlags
    private let newestStatus: StatusFlags

    init(_ snapshot: borrowing PackSnapshot, _ settings: PackSettings) {
        self.settings = settings
        framesMeasured = snapshot.framesMeasured
        measuredAt = snapshot.measuredAt
        linkAt = snapshot.linkAt
        framesAccepted = snapshot.counters.framesAccepted
        permissions = snapshot.permissions
        alarms = snapshot.alarms
        newestStatus = snapshot.newestStatus
    }

    /// No frame came since. Two may come within a millisecond, so the time alone does not tell.
    func isAll(of snapshot: borrowing PackSnapshot) -> Bool {
        framesMeasured == snapshot.framesMeasured && measuredAt == snapshot.measuredAt && linkAt == snapshot.linkAt
            && framesAccepted == snapshot.counters.framesAccepted && permissions == snapshot.permissions
            && alarms == snapshot.alarms && newestStatus == snapshot.newestStatus
    }
}
