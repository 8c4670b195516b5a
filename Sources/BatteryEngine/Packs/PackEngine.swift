import BMSCore
import ChargeLimits
import SmartBMS

/// One pack: bytes, commands and time in, reports out.
struct PackEngine: Sendable {
    /// Milliseconds after a good frame in which time alone changes nothing.
    private static let quiet: Int64 = 900

    /// Place of the pack in the configuration.
    let place: Int
    private var shared: Shared<PackOptions>
    private var identity: Shared<BatteryIdentity>
    private var decoder: PackDecoder
    private var calculator: LimitCalculator
    /// Memory of an earlier calculator, for as long as this one has seen no frame.
    private var keptMemory: KeptMemory
    private var commands: CommandHandler
    private var relays: RelayController
    private var history: PackHistory
    private var detectors = PackDetectors()
    private var cells = SteadyCells()
    private var direction = DirectionFollower()
    /// Time of the last good frame of which time has to do no more for a while; `nil`: the next step by time counts.
    private var quietSince: Timestamp?
    /// The limits as of the last step; `nil` before the first believed frame.
    private(set) var limits: Limits?
    /// Good frames came as of the last step.
    private(set) var isLive = false

    init(_ options: PackOptions, place: Int, _ state: PackState, takesCommands: Bool, at now: Timestamp) {
        self.place = place
        shared = Shared(options)
        identity = Shared(options.identity)
        decoder = PackDecoder(rules: options.rules, options: options.decoding, memory: state.memory?.ofDecoder)
        calculator = LimitCalculator(options.limits, memory: state.memory, at: now)
        keptMemory = KeptMemory(state.memory, at: now)
        commands = CommandHandler(CommandedSettings(state.settings, options), takesCommands: takesCommands, at: now)
        relays = RelayController(options.relays, patience: options.decoding.freshness.stale)
        history = PackHistory(state.peaks)
    }

    /// The pack by configuration.
    var options: PackOptions { shared.value }
    /// Knowledge of the pack.
    var snapshot: PackSnapshot { decoder.snapshot }
    /// Energy counters.
    var totals: EnergyTotals { history.totals }

    private var context: SettingContext {
        SettingContext(pack: shared, snapshot: decoder.snapshot, latches: calculator.latches)
    }

    /// Takes bytes of the pack's source.
    ///
    /// - Parameter age: milliseconds since they came, at least.
    /// - Returns: the update; `nil`: no frame ended in them.
    mutating func receive(
        _ bytes: [UInt8], age: Int64, othersAreFull: Bool, at now: Moment
    ) -> BatteryUpdate? {
        let outcomes = decoder.receive(bytes, age: age, at: now.monotonic)
        guard !outcomes.isEmpty else { return nil }
        let isGood = outcomes.contains { if case .refused = $0 { false } else { true } }
        if isGood { quietSince = now.monotonic }
        let flood = detectors.flood.record(outcomes.count, at: now.monotonic)
        return evaluate(
            isGood ? .frame : .time, othersAreFull: othersAreFull, at: now,
            events: flood.map { [BatteryEvent("flood", .warning, $0)] } ?? [])
    }

    /// Lets time pass.
    ///
    /// - Returns: the update; `nil`: a good frame came a short while ago, so that time has changed nothing.
    mutating func tick(othersAreFull: Bool, at now: Moment) -> BatteryUpdate? {
        if let quietSince, (0..<Self.quiet).contains(now.monotonic - quietSince) { return nil }
        return evaluate(.time, othersAreFull: othersAreFull, at: now)
    }

    /// Makes the next step by time count, even if a frame came a short while ago.
    mutating func demandReport() { quietSince = nil }

    /// Handles a command: it is obeyed or refused in this step.
    ///
    /// - Returns: the update, the answer and a line for the log; `nil` where nothing is answered: in a flood, and to an empty message
    ///   that clears a retained command.
    mutating func handle(
        _ command: BatteryCommand, othersAreFull: Bool, at now: Moment
    ) -> (update: BatteryUpdate, result: CommandResult, notice: Notice?)? {
        let outcome: CommandHandler.Outcome
        switch commands.handle(command, context, at: now) {
        case .answered(let answered): outcome = answered
        case .dropped:
            history.counts.commandsRefused += 1
            return nil
        case .cleared: return nil
        }
        if !outcome.answer.isAccepted { history.counts.commandsRefused += 1 }
        var events: [BatteryEvent] = []
        switch outcome.action {
        case nil, .republish, .purgeDiscovery: break
        case .clearPeaks: history.clearPeaks()
        case .allowDeepCharge:
            calculator.allowDeepCharge()
            let text = "charging of deeply discharged cells was allowed by command, for this charge"
            events.append(BatteryEvent("setting", .warning, text))
        }
        var update = evaluate(.command, othersAreFull: othersAreFull, at: now, events: events)
        update.action = outcome.action
        if outcome.isChanged {
            let value = outcome.answer.effective?.shown ?? ""
            update.events.append(BatteryEvent("setting", .info, "\(command.setting) set to \(value) by command"))
        }
        if outcome.isChanged || outcome.action == .allowDeepCharge { update.mustBeKept = true }
        return (
            update,
            CommandResult(
                battery: options.id, setting: command.setting, asked: command.asked, answer: outcome.answer),
            outcome.warning.map { Notice(.warning, "\(identity.value.title): \($0)") }
        )
    }

    /// Records messages about relays.
    mutating func hear(_ hearings: [RelayHearing], othersAreFull: Bool, at now: Moment) -> BatteryUpdate {
        var output = RelayController.Output()
        for hearing in hearings { relays.record(hearing, into: &output) }
        return evaluate(.relay, othersAreFull: othersAreFull, at: now, events: output.events)
    }

    /// Handles the connection that opens a relay when this program dies: it came up or went down.
    mutating func guardChanged(_ relay: String, isUp: Bool, othersAreFull: Bool, at now: Moment) -> BatteryUpdate {
        relays.guardChanged(relay, isUp: isUp)
        return evaluate(.relay, othersAreFull: othersAreFull, at: now)
    }

    /// Handles a new connection of the outputs: every relay is commanded once more. The first words on it are decided now: limits and
    /// relays of the last step may be those before a suspend.
    mutating func connected(othersAreFull: Bool, at now: Moment) -> BatteryUpdate {
        history.counts.brokerConnections += 1
        let mustBeKept = computeLimits(decoder.snapshot, othersAreFull: othersAreFull, at: now)
        var (decided, output) = (RelayController.Output(), RelayController.Output())
        relays.step(report(at: now.monotonic), commands.settings, hasFrame: false, at: now, into: &decided)
        relays.connected(at: now.monotonic, into: &output)
        var update = BatteryUpdate(place, report(at: now.monotonic), .connection)
        update.orders = output.orders
        update.events = decided.events
        update.mustBeKept = mustBeKept
        return update
    }

    /// Handles the end of the connection: positions of relays are unknown.
    mutating func disconnected() { relays.disconnected() }

    /// Handles a break in the bytes of the source: half a frame is worth nothing now.
    mutating func sourceChanged(_ change: SourceChange) {
        decoder.reset()
        if change == .opened { history.counts.sourceOpenings += 1 }
    }

    /// The pack as of now.
    func report(at now: Timestamp) -> BatteryReport { momentary(at: now).steadied(cells, direction.direction) }

    /// The pack as of now, by the newest frame alone.
    private func momentary(at now: Timestamp) -> BatteryReport {
        var report = BatteryReport(
            identity,
            PackFigures(
                shared, decoder.snapshot, settings: commands.settings, latches: calculator.latches,
                counts: history.counts, relays: relays.states(commands.settings)), limits: limits,
            history: history.figures(secondsSinceFull: calculator.secondsSinceFull(at: now)),
            quality: history.linkQuality(at: now), at: now)
        report.advice = options.advice
        if let fault = limits?.thresholdFault { report.advice.append(Advice(.chemistry, fault.sentence)) }
        return report
    }

    /// Evaluates the pack: limits, history, relays, events.
    private mutating func evaluate(
        _ trigger: Trigger, othersAreFull: Bool, at now: Moment, events: [BatteryEvent] = []
    ) -> BatteryUpdate {
        let snapshot = decoder.snapshot
        var events = events
        var mustBeKept = computeLimits(snapshot, othersAreFull: othersAreFull, at: now)
        if let limits { history.record(limits) }
        if let event = commands.endFullCharge(isRequested: calculator.isFullChargeRequested, at: now.monotonic) {
            events.append(event)
            mustBeKept = true
        }
        history.record(snapshot, limits, at: now.monotonic)
        events += detectors.step(
            snapshot, limits, lastRejected: decoder.lastRejected, options, calculator, at: now.monotonic)
        let momentary = momentary(at: now.monotonic)
        cells.step(momentary)
        direction.step(momentary.readings?.current, at: now.monotonic)
        var report = momentary.steadied(cells, direction.direction)
        var output = RelayController.Output()
        if relays.hasRelays {
            relays.step(report, commands.settings, hasFrame: trigger == .frame, at: now, into: &output)
            if case .pack(var figures) = report.kind {
                figures.relays = relays.states(commands.settings)
                report.kind = .pack(figures)
            }
        }
        isLive = report.freshness.isLive
        var update = BatteryUpdate(place, report, trigger)
        update.orders = output.orders
        update.events = events + output.events + detectors.changes.step(report)
        update.mustBeKept = mustBeKept
        return update
    }

    /// Computes the limits.
    ///
    /// - Returns: `true` if a latch changed, which must hold over a crash in the next second, too.
    private mutating func computeLimits(_ snapshot: PackSnapshot, othersAreFull: Bool, at now: Moment) -> Bool {
        let before = calculator.latches
        var surroundings = LimitContext()
        surroundings.otherPacksAreFull = othersAreFull
        surroundings.hour = now.minuteOfDay.map { $0 / 60 }
        let commanded = commands.settings.stored.isEmpty ? LimitCommands() : commands.settings.commands(context)
        if commanded != calculator.commands { calculator.commands = commanded }
        limits = calculator.step(snapshot, at: now.monotonic, surroundings)
        return calculator.latches != before
    }
}

extension PackEngine {
    /// State that should survive a restart.
    func state(at now: Timestamp) -> PackState {
        PackState(
            memory: keptMemory.memory(of: calculator, at: now), settings: commands.stored(at: now),
            peaks: history.peaks)
    }

    /// Summary of the pack.
    func summary(at now: Timestamp) -> PackSummary {
        let report = report(at: now)
        let counters = report.link.counters
        return PackSummary(
            id: options.id, isLive: report.freshness.isLive, cellCount: report.thresholds?.cellCount,
            voltage: report.readings?.voltage, soc: report.readings?.soc, limits: limits,
            linkQuality: report.link.quality, framesAccepted: counters.framesAccepted,
            framesRejected: counters.framesRejected, counts: history.counts, energyInToday: totals.inToday,
            energyOutToday: totals.outToday, range: history.range)
    }

    /// Starts the range of the limits again.
    mutating func clearRange() { history.clearRange() }

    /// Continues where the engine of an earlier configuration stopped: what was learned, counted and commanded stays, as far as the new
    /// configuration permits it.
    ///
    /// - Parameter isSameSource: the bytes come from where they came from. From elsewhere they may be another pack's: it is decoded from
    ///   nothing, and the learned values and latches hold where cells and capacity are the same.
    mutating func resume(from before: PackEngine, isSameSource: Bool, at now: Moment) {
        let (old, memory) = (before.options, before.keptMemory.memory(of: before.calculator, at: now.monotonic))
        commands = CommandHandler(
            CommandedSettings(before.commands.stored(at: now.monotonic), options),
            takesCommands: commands.takesCommands, at: now.monotonic)
        history = before.history
        if isSameSource, old.rules == options.rules, old.decoding == options.decoding {
            decoder = before.decoder
            decoder.reset()
            calculator = before.calculator
            calculator.reconfigure(options.limits)
            (keptMemory, limits, detectors) = (before.keptMemory, before.limits, before.detectors)
            (cells, direction) = (before.cells, before.direction)
            isLive = before.isLive
            // Nothing may be told that this configuration does not permit.
            _ = computeLimits(decoder.snapshot, othersAreFull: false, at: now)
        } else {
            keptMemory = KeptMemory(memory, at: now.monotonic)
            calculator = LimitCalculator(options.limits, memory: memory, at: now.monotonic)
            history.sourceReplaced()
            detectors.resume(from: before.detectors)
        }
        // Alarms that stand and the state of the link are reported once more.
        detectors.changes = ChangeDetector()
        // The guards of the relays are gone, so that the relays were opened: their time open begins now.
        relays.resume(from: before.relays)
        var ignored = RelayController.Output()
        relays.step(report(at: now.monotonic), commands.settings, hasFrame: false, at: now, into: &ignored)
    }
}

/// Detectors of the events of a pack.
struct PackDetectors: Sendable {
    var flood = FloodDetector()
    var changes = ChangeDetector()
    private var rejections = RejectionRateMonitor()
    private var events = PackEventDetector()

    /// Returns events of frames, chemistry, cells and settings.
    mutating func step(
        _ snapshot: PackSnapshot, _ limits: Limits?, lastRejected: RejectedFrame?, _ options: PackOptions,
        _ calculator: LimitCalculator, at now: Timestamp
    ) -> [BatteryEvent] {
        let refused = rejections.step(snapshot.counters, lastRejected, at: now)
        let ceiling = min(options.limits.maximumSoc, calculator.commands.maximumSoc ?? 100)
        return refused.map { BatteryEvent("framesRefused", .warning, $0) }
            + events.step(
                snapshot, limits, isConfigured: options.decoding.chemistry != nil, latches: calculator.latches,
                hasMaximumSoc: ceiling < 100)
    }

    /// Continues for a pack whose frames come from another source.
    mutating func resume(from before: PackDetectors) { (flood, events) = (before.flood, before.events) }
}
