public import BMSCore

/// Snapshot and time to CVL, CCL, DCL: each the minimum of the bounds of all rules, falling at once and rising slowly.
///
/// Step it with every frame, and once a second without one: silence must lower limits, too.
public struct LimitCalculator: Sendable {
    private let configuration: LimitConfiguration
    private var figures: LimitFigures?
    private var rules = LimitRules()
    private var machine = ChargeStateMachine()
    private var imbalance = ImbalanceFilter()
    private var estimator = ResistanceEstimator()
    private var schedule: FullChargeSchedule
    private var publisher = LimitPublisher()
    private var memory: LimitMemory?
    private var last: Seen?
    private var lastStepAt: Timestamp?

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
        schedule = FullChargeSchedule(configuration)
        if let seconds = memory?.secondsSinceFull { schedule.wasFull(secondsAgo: seconds, at: now) }
    }

    /// What somebody asked for. The next step obeys it, with or without a frame; a full charge that was asked for is
    /// over when the pack is full, see ``isFullChargeRequested``.
    public var commands = LimitCommands() {
        didSet {
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
        _ snapshot: PackSnapshot, at now: Timestamp, _ context: LimitContext = LimitContext()
    ) -> Limits? {
        guard let frame = snapshot.frame, let settings = snapshot.settings else { return nil }
        let before = last
        recall(settings, before?.settings)
        last = Seen(snapshot, settings)
        let isMeasured = snapshot.framesMeasured != before?.framesMeasured
        let figures = figures(snapshot, settings)
        var input = LimitInput(
            figures: figures, frame: frame, temperatureScale: snapshot.temperatureScale,
            permissions: snapshot.permissions, alarms: snapshot.alarms, newestStatus: snapshot.newestStatus,
            freshness: configuration.freshness.freshness(of: snapshot.linkAt, at: now), age: snapshot.age(at: now) ?? 0,
            isAhead: snapshot.linkAt.map { $0 > now } ?? false, commands: commands,
            cellsBefore: before.flatMap { $0.settings.cellCount == settings.cellCount ? nil : $0.settings.cellCount },
            elapsed: isMeasured ? Self.seconds(from: before?.measuredAt, to: snapshot.measuredAt) : 0,
            published: publisher.published, now: now, isAwaitingPacks: !context.otherPacksAreFull)
        if isMeasured { measure(&input, context) }
        input.state = machine.state
        input.isStalled = machine.isStalled
        input.imbalance = imbalance.level ?? 0
        input.resistance = estimator.learned.used(input)
        let bounds = rules.bounds(input)
        return publish(bounds, input, snapshot, hasFrame: before?.isAll(of: snapshot) != true, since: before)
    }

    /// Moves what only a new measurement moves.
    private mutating func measure(_ input: inout LimitInput, _ context: LimitContext) {
        input.state = machine.state
        imbalance.step(input.frame, input.settings, elapsed: input.elapsed)
        estimator.step(input)
        let isDue = commands.chargeMode != .float && schedule.isDue(at: input.now, hour: context.hour)
        let isFull = machine.step(
            input.frame, input.settings,
            input.charge(isFullChargeDue: isDue, otherPacksAreFull: context.otherPacksAreFull))
        if isFull { schedule.wasFull(secondsAgo: 0, at: input.now) }
    }

    private mutating func publish(
        _ bounds: [ConstraintValue], _ input: LimitInput, _ snapshot: PackSnapshot, hasFrame: Bool, since before: Seen?
    ) -> Limits {
        let isDistrusted = FreshnessTimes.isDistrusted(snapshot.damagedAt, at: input.now)
        let capacity = Double(input.capacity.rawValue)
        // Ticks between frames lower limits but do not raise them, and what they took is given to the next frame.
        let sinceFrame = min(1, Self.seconds(from: before?.linkAt, to: snapshot.linkAt))
        let elapsed = max(sinceFrame, Self.seconds(from: lastStepAt, to: input.now))
        lastStepAt = input.now
        let floor = input.figures.floor.rawValue
        if input.cellsBefore != nil { publisher.lift(to: floor) }
        let (levels, why) = publisher.publish(
            bounds,
            LimitPublisher.Step(
                now: input.now, mayRise: hasFrame && input.freshness == .fresh && !isDistrusted,
                isDistrusted: isDistrusted, elapsed: elapsed,
                slew: PerLimit(cvl: 1.25 * Double(input.cells), ccl: 0.01 * capacity, dcl: 0.02 * capacity),
                lowest: floor, highest: input.figures.ceiling.rawValue))
        return Limits(
            levels, state: input.freshness >= .stale ? .stale : machine.state, cellCeiling: input.figures.softCap,
            lowVoltage: input.figures.lowCell * input.cells, resistance: estimator.learned.resistance(input), why: why,
            bounds: bounds)
    }

    private mutating func figures(_ snapshot: PackSnapshot, _ settings: PackSettings) -> LimitFigures {
        if let figures, figures.fit(snapshot, settings) { return figures }
        let new = LimitFigures(snapshot, settings, configuration)
        figures = new
        return new
    }

    /// What was learned holds for one pack: another number of cells or another capacity ends it.
    private mutating func recall(_ settings: PackSettings, _ before: PackSettings?) {
        if let before {
            guard before.cellCount != settings.cellCount || before.capacity != settings.capacity else { return }
            estimator = ResistanceEstimator()
            guard before.cellCount != settings.cellCount else { return }
            rules = LimitRules()
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

    /// Seconds between two moments, 0...5: a longer gap proves nothing about what happened in it.
    private static func seconds(from old: Timestamp?, to new: Timestamp?) -> Double {
        guard let old, let new else { return 0 }
        return Double(min(max(new - old, 0), 5_000)) / 1000
    }
}

extension LimitInput {
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

    init(_ snapshot: PackSnapshot, _ settings: PackSettings) {
        self.settings = settings
        framesMeasured = snapshot.framesMeasured
        measuredAt = snapshot.measuredAt
        linkAt = snapshot.linkAt
        framesAccepted = snapshot.counters.framesAccepted
    }

    /// No good frame came since. Two may come within a millisecond, so the time alone does not tell.
    func isAll(of snapshot: PackSnapshot) -> Bool {
        framesMeasured == snapshot.framesMeasured && measuredAt == snapshot.measuredAt && linkAt == snapshot.linkAt
            && framesAccepted == snapshot.counters.framesAccepted
    }
}
