public import BMSCore

/// Turns a snapshot and a time into CVL, CCL and DCL: each is the minimum of the bounds of all rules, falls at once and rises slowly.
///
/// Step it with every frame, and once a second without one: silence must lower limits, too.
public struct LimitCalculator: Sendable {
    private var configuration: LimitConfiguration
    private var figures: DerivedParameters?
    private var rules = LimitRules()
    private var machine = ChargeStateMachine()
    private var imbalance = ImbalanceFilter()
    private var estimator = ResistanceEstimator()
    private var schedule: FullChargeSchedule
    private var publisher = LimitPublisher()
    private var chargeRequest = ChargeRequest()
    /// Memory of an earlier calculator, until the first step.
    private var memory: LimitMemory?
    private var memoryAt: Timestamp
    private var isDeepChargeAllowed = false
    /// The two newest believed measurements.
    private var measurements: (before: Measurements?, newest: Measurements?)
    private var last: Seen?
    private var lastStepAt: Timestamp?

    /// A calculator for one pack.
    ///
    /// - Parameters:
    ///   - memory: knowledge of an earlier calculator; taken when the pack is still the same.
    ///   - now: the moment to which `memory` refers.
    public init(
        _ configuration: LimitConfiguration = LimitConfiguration(), memory: LimitMemory? = nil,
        at now: Timestamp = Timestamp(milliseconds: 0)
    ) {
        self.configuration = configuration
        self.memory = memory
        memoryAt = now
        schedule = FullChargeSchedule(configuration)
        if let seconds = memory?.secondsSinceFull { schedule.wasFull(secondsAgo: seconds, at: now) }
    }

    /// Commands of people and programs. The next step obeys them, with or without a frame; a requested full charge is over when the pack is
    /// full, see ``isFullChargeRequested``.
    public var commands = LimitCommands() {
        didSet {
            schedule.commandedInterval = commands.fullChargeInterval
            if commands.chargeMode != oldValue.chargeMode { schedule.request(commands.chargeMode == .full) }
        }
    }

    /// Seconds since the pack was last full, over restarts; `nil` where that was not seen yet.
    public func secondsSinceFull(at now: Timestamp) -> Int64? { schedule.secondsSinceFull(at: now) }

    /// A full charge was asked for and has not ended.
    public var isFullChargeRequested: Bool { schedule.isRequested }

    /// The charge voltage that is aimed at, by thresholds, chemistry and the owner's headroom; `nil` before the first
    /// believed frame.
    public static func targetVoltage(_ snapshot: PackSnapshot, _ configuration: LimitConfiguration) -> Millivolts? {
        guard snapshot.measurements != nil, let settings = snapshot.settings else { return nil }
        let figures = DerivedParameters(snapshot, settings, configuration)
        return figures.targetCell * figures.cells
    }

    /// The current that no measurement and no command lifts a limit above: the least of the owner's caps, the fuse, the sensor's range and
    /// the chemistry's rate, as it is published; `nil` before the first believed frame, and for the voltage.
    public static func ceiling(
        _ kind: LimitKind, _ snapshot: PackSnapshot, _ configuration: LimitConfiguration
    ) -> Milliamperes? {
        guard kind != .cvl, snapshot.measurements != nil, let settings = snapshot.settings else { return nil }
        let ceiling = Ceilings.bounds(DerivedParameters(snapshot, settings, configuration)).lowest(kind)
        return ceiling.map { Milliamperes(SlewLimiter.current.onGrid($0.value)) }
    }

    /// Memory that should survive a restart; `nil` before the first believed frame.
    public func memory(at now: Timestamp) -> LimitMemory? {
        guard let settings = last?.settings else { return nil }
        var memory = LimitMemory(
            cellCount: settings.cellCount, capacity: settings.capacity, resistance: estimator.learned.memory,
            secondsSinceFull: schedule.secondsSinceFull(at: now))
        memory.cellSettings = last?.cellSettings ?? CellSettings()
        memory.recent = LimitMemory.Recent(
            age: max(0, lastStepAt.map { now - $0 } ?? 0), levels: publisher.published,
            stalledSoc: machine.stalledSoc, state: machine.state)
        rules.remember(in: &memory)
        return memory
    }

    /// Latches that are set: a change of them is worth keeping at once.
    public var latches: Set<LimitMemory.Latch> {
        guard let settings = last?.settings else { return memory?.latches ?? [] }
        var memory = LimitMemory(cellCount: settings.cellCount, capacity: settings.capacity)
        rules.remember(in: &memory)
        return memory.latches
    }

    /// Takes another configuration file; everything that is known of the pack stays.
    public mutating func reconfigure(_ configuration: LimitConfiguration) {
        self.configuration = configuration
        figures = nil
        schedule.reconfigure(configuration)
    }

    /// Notes that the owner allows charging a deeply discharged pack; this counts where ``LimitMemory/Latch/deepDischarge`` is set.
    public mutating func allowDeepCharge() { isDeepChargeAllowed = true }

    /// The limits at `now`; `nil` before the first believed frame, when not even the number of cells is known.
    public mutating func step(
        _ snapshot: PackSnapshot, at now: Timestamp, _ context: LimitContext = LimitContext()
    ) -> Limits? {
        guard let measured = snapshot.measurements, let settings = snapshot.settings else { return nil }
        let before = last
        let cellsBefore = recall(settings, before?.settings, at: now)
        last = Seen(snapshot, settings)
        let isMeasured = snapshot.framesMeasured != before?.framesMeasured
        if isMeasured {
            let newest = measurements.newest
            measurements = (newest?.cellCount == measured.cellCount ? newest : nil, measured)
        }
        let age = snapshot.age(at: now) ?? 0
        var input = LimitInput(
            figures: figures(snapshot, settings), measured: measured,
            // For a while no frame has come that could contradict the newest measurements.
            before: age >= Self.unanswered ? nil : measurements.before,
            permissions: snapshot.permissions, alarms: snapshot.alarms, newestStatus: snapshot.newestStatus,
            freshness: configuration.freshness.freshness(of: snapshot.linkAt, at: now), age: age,
            isAhead: snapshot.linkAt.map { $0 > now } ?? false, commands: commands, cellsBefore: cellsBefore,
            elapsed: isMeasured ? Self.seconds(from: before?.measuredAt, to: snapshot.measuredAt) : 0,
            published: publisher.published, now: now, isAwaitingPacks: !context.otherPacksAreFull)
        input.refusal = snapshot.refusal
        input.isFullChargeDue = commands.chargeMode != .float && schedule.isDue(at: now, hour: context.hour)
        input.isDeepChargeAllowed = isDeepChargeAllowed
        isDeepChargeAllowed = false
        if isMeasured { measure(&input, context) }
        input.state = machine.state
        input.isStalled = machine.isStalled
        input.imbalance = imbalance.level ?? 0
        input.resistance = estimator.learned.used(input)
        let bounds = rules.bounds(input)
        return publish(bounds, input, snapshot, hasFrame: before?.isAll(of: snapshot) != true, since: before)
    }

    /// Milliseconds after which a reading counts although no second frame has confirmed it.
    private static let unanswered: Int64 = 2_000

    /// Moves the state that only a new measurement moves.
    private mutating func measure(_ input: inout LimitInput, _ context: LimitContext) {
        input.state = machine.state
        imbalance.step(input.measuredImbalance, elapsed: input.elapsed)
        estimator.step(input)
        var charge = input.charge(otherPacksAreFull: context.otherPacksAreFull)
        charge.isFullChargeRequested = commands.chargeMode != .float && schedule.isRequested
        let isFull = machine.step(input.measured, input.settings, charge)
        if isFull { schedule.wasFull(secondsAgo: 0, at: input.now) }
    }

    private mutating func publish(
        _ bounds: [Bound], _ input: LimitInput, _ snapshot: PackSnapshot, hasFrame: Bool, since before: Seen?
    ) -> Limits {
        let isDistrusted = FreshnessTimes.isDistrusted(snapshot.damagedAt, at: input.now)
        let capacity = Double(input.capacity.rawValue)
        // Ticks between frames lower limits but do not raise them; the time that they took is given to the next frame.
        let sinceFrame = min(1, Self.seconds(from: before?.linkAt, to: snapshot.linkAt))
        let elapsed = max(sinceFrame, Self.seconds(from: lastStepAt, to: input.now))
        lastStepAt = input.now
        // Nothing may lift CVL above a pack's rest while charging is forbidden.
        let isForbidden = bounds.contains(where: \.stopsCharging)
        let floor = (isForbidden ? input.figures.restFloor : input.figures.floor).rawValue
        if input.cellsBefore != nil { publisher.raise(to: input.figures.floor.rawValue) }
        let (levels, why) = publisher.publish(
            bounds,
            LimitPublisher.Step(
                now: input.now, hasFrame: hasFrame && input.freshness == .fresh, isDistrusted: isDistrusted,
                elapsed: elapsed,
                slew: PerLimit(cvl: 1.25 * Double(input.cells), ccl: 0.01 * capacity, dcl: 0.02 * capacity),
                lowest: floor, highest: input.figures.ceiling.rawValue))
        return Limits(
            levels, state: input.freshness >= .stale ? .stale : machine.state, cellCeiling: input.figures.softCap,
            lowVoltage: input.figures.lowCell * input.cells, resistance: estimator.learned.resistance(input), why: why,
            bounds: bounds, isChargeRequested: chargeRequest.step(input, bounds))
    }

    private mutating func figures(_ snapshot: PackSnapshot, _ settings: PackSettings) -> DerivedParameters {
        if let figures, figures.fit(snapshot, settings) { return figures }
        let new = DerivedParameters(snapshot, settings, configuration)
        figures = new
        return new
    }

    /// Recalls a memory. Knowledge holds for one pack: another number of cells ends all of it, another capacity ends the learned
    /// resistance.
    ///
    /// - Returns: the number of cells before, where it changed.
    private mutating func recall(_ settings: PackSettings, _ before: PackSettings?, at now: Timestamp) -> Int? {
        if let before {
            guard before.cellCount != settings.cellCount || before.capacity != settings.capacity else { return nil }
            estimator = ResistanceEstimator()
            guard before.cellCount != settings.cellCount else { return nil }
            rules = LimitRules()
            machine = ChargeStateMachine()
            imbalance = ImbalanceFilter()
            schedule = FullChargeSchedule(configuration)
            schedule.commandedInterval = commands.fullChargeInterval
            schedule.request(commands.chargeMode == .full)
            return before.cellCount
        }
        defer { memory = nil }
        guard var memory else { return nil }
        guard memory.cellCount == settings.cellCount else { return memory.cellCount }
        if memory.capacity == settings.capacity {
            estimator = ResistanceEstimator(memory.resistance)
        } else {
            memory.sag = nil
        }
        // Time passed between the start and the first frame.
        let age = max(0, memory.recent?.age ?? 0) + max(0, now - memoryAt)
        if age > LimitMemory.Recent.lifetime { memory.recent = nil }
        rules.recall(memory)
        if let recent = memory.recent {
            machine.recall(recent)
            if let levels = recent.levels { publisher.begin(at: levels) }
        }
        return nil
    }

    /// Seconds between two moments, 0...5: a longer gap proves nothing about what happened in it.
    private static func seconds(from old: Timestamp?, to new: Timestamp?) -> Double {
        guard let old, let new else { return 0 }
        return Double(min(max(new - old, 0), 5_000)) / 1000
    }
}

extension LimitInput {
    /// Inputs of the charge states in addition to the frame.
    fileprivate func charge(otherPacksAreFull: Bool) -> ChargeStateMachine.Context {
        let hasEased = published.map { $0.cvl <= figures.floatVoltage + Millivolts(20) } ?? false
        return ChargeStateMachine.Context(
            tail: figures.tail, rest: figures.rest, restartSoc: configuration.restartSoc,
            restartVoltage: figures.restartVoltage, isEndedByBMS: isEndedByBMS,
            mayFloat: hasEased && otherPacksAreFull && configuration.floats, isFullChargeDue: isFullChargeDue,
            elapsed: elapsed)
    }
}

/// The part of a snapshot that a step keeps.
private struct Seen: Sendable {
    let settings: PackSettings
    let cellSettings: CellSettings
    let framesMeasured: Int
    let measuredAt: Timestamp?
    let linkAt: Timestamp?
    private let framesAccepted: Int

    init(_ snapshot: PackSnapshot, _ settings: PackSettings) {
        self.settings = settings
        cellSettings = snapshot.cellSettings
        framesMeasured = snapshot.framesMeasured
        measuredAt = snapshot.measuredAt
        linkAt = snapshot.linkAt
        framesAccepted = snapshot.counters.framesAccepted
    }

    /// No good frame has come since. Two frames may come within a millisecond, so the time alone does not show it.
    func isAll(of snapshot: PackSnapshot) -> Bool {
        framesMeasured == snapshot.framesMeasured && measuredAt == snapshot.measuredAt && linkAt == snapshot.linkAt
            && framesAccepted == snapshot.counters.framesAccepted
    }
}
