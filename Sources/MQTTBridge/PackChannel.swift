import MQTT
import BMSCore
import ChargeLimits
import SmartBMS

/// One pack on its way from bytes to topics. No I/O: it fills an ``Outbox``.
struct PackChannel: Sendable {
    private var pack: Shared<PackOptions>
    /// Of its options what each step looks at.
    private var times: FreshnessTimes
    private var isChemistryConfigured: Bool
    private var bridge: BridgeOptions
    private var receiver: PackReceiver
    private var calculator: LimitCalculator
    private var publisher: PackPublisher
    private var peaks: PackPeaks
    private var relays: RelayBoard
    private var gxCurrents = GXCurrents()
    private(set) var totals = EnergyTotals()
    private var quality = LinkQuality()
    private var tally = PackTally()
    private var range: LimitRange?
    private var battery: GXBattery?
    /// Somebody listens to the GX tree.
    var isListenedTo = false {
        didSet { if !isListenedTo && oldValue { battery?.forget() } }
    }
    private var refusals = RefusalWatch()
    private var watch = PackWatch()
    private var desk: CommandDesk
    /// Memory of an earlier calculator, for as long as this one has seen no frame.
    private var keptMemory: KeptMemory
    /// Latches as of the step before.
    private var latches: Set<LimitMemory.Latch> = []
    /// Since when a full charge is commanded, by the clock that nobody sets; `nil`: it is not.
    private var fullChargeSince: Timestamp?
    /// The calculator was told of something that is commanded.
    private var isCommanded = false
    /// A full charge by command that does not come about is given up after this many ms.
    private static let fullChargePatience: Int64 = 48 * 3_600_000
    /// Milliseconds after a good frame in which time alone changes nothing.
    private static let tickAfter: Int64 = 900
    private var frameAt: Timestamp?
    /// ``PackSnapshot/framesMeasured`` as of the last step: what is measured is recorded once.
    private var framesNoted = 0
    private var budget = MessageBudget()
    private var pace = FramePace()
    /// The last bytes came too soon after others: what they changed is told by a tick.
    private(set) var isPutOff = false
    private(set) var limits: Limits?
    /// Every other pack of the bank is full.
    var otherPacksAreFull = true

    init(_ options: PackOptions, _ bridge: BridgeOptions, _ state: PackState, at now: Timestamp) {
        pack = Shared(options)
        times = options.tracker.freshness
        isChemistryConfigured = options.tracker.chemistry != nil
        self.bridge = bridge
        receiver = PackReceiver(
            rules: options.rules, options: options.tracker, memory: state.memory?.ofTracker)
        calculator = LimitCalculator(options.limits, memory: state.memory, at: now)
        keptMemory = KeptMemory(state.memory, at: now)
        latches = state.memory?.latches ?? []
        desk = CommandDesk(CommandedSettings(state.settings, options))
        fullChargeSince = desk.settings.fullCharge.map { now + -($0.age ?? 0) }
        relays = RelayBoard(options.relays, patience: options.tracker.freshness.stale)
        publisher = PackPublisher(options, bridge)
        battery = bridge.gxTree.map {
            GXBattery(
                options.gxInstance, $0.topics, bridge.economy, heartbeat: bridge.stateHeartbeat,
                version: bridge.version, connection: options.connection)
        }
        peaks = state.peaks
    }

    /// Takes bytes and publishes at once what they changed.
    ///
    /// - Parameter age: milliseconds since they came, at least.
    mutating func receive(_ bytes: [UInt8], age: Int64, at now: Moment, into outbox: inout Outbox) {
        let outcomes = receiver.receive(bytes, age: age, at: now.monotonic)
        guard !outcomes.isEmpty else { return }
        let isGood = outcomes.contains { outcome in
            if case .refused = outcome { return false }
            return true
        }
        if isGood { frameAt = now.monotonic }
        if let sentence = pace.note(outcomes.count, at: now.monotonic) {
            tell("flood", .warning, sentence, at: now, into: &outbox)
        }
        let snapshot = receiver.snapshot
        computeLimits(snapshot, at: now, into: &outbox)
        let share = budget.permits(isFrame: true, publisher.fall(to: limits, snapshot), at: now.monotonic)
        isPutOff = share != .all
        let before = outbox.messages.count
        if share != .nothing { publishLimits(snapshot, at: now, hasFrame: isGood, into: &outbox) }
        if share == .all { tellRest(snapshot, at: now, hasFrame: isGood, into: &outbox) }
        budget.spend(outbox.messages.count - before, at: now.monotonic)
    }

    /// Time passed. What was due was done with a frame that came a short while ago; so with a frame a second a tick costs nothing.
    mutating func tick(at now: Moment, into outbox: inout Outbox) {
        if let frameAt, (0..<Self.tickAfter).contains(now.monotonic - frameAt) {
            let fall = publisher.fall(to: limits, receiver.snapshot)
            guard isPutOff, budget.permits(isFrame: false, fall, at: now.monotonic) == .all else { return }
        }
        isPutOff = false
        let before = outbox.messages.count
        advance(at: now, hasFrame: false, into: &outbox)
        budget.spend(outbox.messages.count - before, at: now.monotonic)
    }

    /// State that should survive a restart.
    func state(at now: Timestamp) -> PackState {
        var settings = desk.settings.stored
        if let fullChargeSince {
            settings[SettingsTable.chargeMode.name]?.age = max(0, now - fullChargeSince)
        }
        return PackState(
            memory: keptMemory.memory(of: calculator, at: now), settings: settings, peaks: peaks)
    }

    /// A command came: it is answered in any case but a flood, and obeyed in this step.
    mutating func take(_ command: InboundCommand, at now: Moment, into outbox: inout Outbox) {
        let taken = desk.take(command, context, isOff: !bridge.takesCommands, at: now)
        if taken?.answer.isAccepted != true { tally.commandsRefused += 1 }
        guard let outcome = taken else { return }
        let topics = bridge.topics
        let response = command.responseTopic.map { [$0] } ?? []
        outbox.answers.append(
            CommandAnswer(
                topics: [topics.result(options.id)] + response, correlationData: command.correlationData,
                setting: command.setting, asked: outcome.asked, answer: outcome.answer))
        if let warning = outcome.warning { outbox.say(.warning, "pack \(options.id): \(warning)") }
        switch outcome.action {
        case nil: break
        case .clearPeaks: peaks.clear()
        case .republish: publisher.republish()
        case .purgeDiscovery: outbox.send(publisher.purge(context))
        case .allowDeepCharge:
            calculator.allowDeepCharge()
            let text = "charging of deeply discharged cells was allowed by command, for this charge"
            tell("setting", .warning, text, at: now, into: &outbox)
            outbox.saves.insert(options.id)
        }
        fullChargeSince = desk.settings.fullCharge == nil ? nil : fullChargeSince ?? now.monotonic
        // A refusal makes a control of Home Assistant snap back.
        publisher.forgetSettings()
        advance(at: now, hasFrame: false, into: &outbox)
        if outcome.isChanged {
            let value = outcome.answer.effective?.shown ?? ""
            tell("setting", .info, "\(command.setting) set to \(value) by command", at: now, into: &outbox)
            outbox.saves.insert(options.id)
        }
    }

    /// Goes on where the channel of an earlier configuration stopped: nothing is forgotten but what the new configuration
    /// changes.
    ///
    /// - Parameter isSameSource: the bytes come from where they came from. From elsewhere they may be another pack's: it is
    ///   heard anew, and what was learned and latched holds where cells and capacity are the same.
    mutating func goOn(from before: PackChannel, isSameSource: Bool, at now: Moment) {
        let fresh = self
        self = before
        (pack, times, isChemistryConfigured) = (fresh.pack, fresh.times, fresh.isChemistryConfigured)
        (bridge, publisher, battery) = (fresh.bridge, fresh.publisher, fresh.battery)
        desk = CommandDesk(CommandedSettings(before.desk.settings.stored, options))
        if desk.settings.fullCharge == nil { fullChargeSince = nil }
        (isCommanded, isListenedTo, frameAt) = (true, false, nil)
        let old = before.options
        if isSameSource, old.rules == options.rules, old.tracker == options.tracker {
            receiver.reset()
            calculator.reconfigure(options.limits)
        } else {
            receiver = fresh.receiver
            framesNoted = 0
            let memory = before.keptMemory.memory(of: before.calculator, at: now.monotonic)
            keptMemory = KeptMemory(memory, at: now.monotonic)
            calculator = LimitCalculator(options.limits, memory: memory, at: now.monotonic)
            (limits, gxCurrents, quality, refusals) = (nil, GXCurrents(), LinkQuality(), RefusalWatch())
        }
        // Whoever stood for a relay is gone, so it was opened: what it waits for begins now.
        relays = fresh.relays
        relays.goOn(from: before.relays)
        var unsaid = Outbox()
        _ = relays.step(view(at: now.monotonic), desk.settings, hasFrame: false, at: now, into: &unsaid)
    }

    /// The pack by configuration.
    var options: PackOptions { pack.value }

    private var context: SettingContext {
        SettingContext(pack: pack, snapshot: receiver.snapshot, latches: calculator.latches)
    }

    /// Something ended what the source had sent so far.
    mutating func sourceChanged(_ change: SourceChange) {
        receiver.reset()
        if change == .opened { tally.sourceOpenings += 1 }
    }

    /// How the pack stands.
    mutating func summary(at now: Timestamp) -> PackSummary {
        let view = view(at: now)
        let counters = view.snapshot.counters
        return PackSummary(
            id: options.id, isLive: view.freshness.isLive, cellCount: view.snapshot.settings?.cellCount,
            voltage: view.live?.packVoltage, soc: view.live?.soc, limits: limits, linkQuality: view.linkQuality,
            framesAccepted: counters.framesAccepted, framesRejected: counters.framesRejected, tally: tally,
            energyInToday: totals.inToday, energyOutToday: totals.outToday, range: range)
    }

    /// The range of the limits begins anew.
    mutating func forgetRange() { range = nil }

    /// Good frames come.
    private(set) var isLive = false

    /// Somebody else spoke on the pack's status: what is true is said with the next step.
    mutating func forgetStatus() {
        publisher.forgetStatus()
        frameAt = nil
    }

    /// The pack's status is `online`, by this bridge.
    var saysOnline: Bool { isLive && !publisher.areLimitsRefused }

    /// The settings document of these bytes is the newest.
    func hasSaidSettings(_ payload: [UInt8]) -> Bool { publisher.hasSaidSettings(payload) }

    /// There is such a document to send.
    func knows(_ word: OwnWord) -> Bool { publisher.knows(word) }

    /// Has a document that is known said again with the next step.
    mutating func forget(_ word: OwnWord) {
        frameAt = nil
        publisher.forget(word)
    }

    /// An announcement of these bytes went out from here.
    func hasSaid(_ topic: String, _ payload: [UInt8]) -> Bool { publisher.hasSaid(topic, payload) }

    /// The pack is announced once more.
    mutating func announceAgain(at now: Moment) { publisher.announceAgain(at: now) }

    /// The broker takes no limits of this pack, or takes them again.
    mutating func limitsRefused(_ isRefused: Bool) {
        publisher.areLimitsRefused = isRefused
        frameAt = nil
    }

    /// The broker knows nothing of this pack (any more).
    mutating func connected(canExpire: Bool, at now: Moment, into outbox: inout Outbox) {
        tally.brokerConnections += 1
        relays.connected(excludesOwn: canExpire, at: now.monotonic, into: &outbox)
        publisher.connected(view(at: now.monotonic), canExpire: canExpire, at: now, into: &outbox)
        publisher.publishSettings(desk.settings, pack, receiver.snapshot, into: &outbox)
    }

    /// Knowledge of the line to the broker.
    mutating func lineChanged(_ line: PackPublisher.Line) { publisher.line = line }

    /// The broker is gone.
    mutating func disconnected() { relays.disconnected() }

    /// Topics on which the pack's relays say how they stand.
    var stateTopics: [String] { relays.stateTopics }

    /// Topics on which the pack's relays are commanded.
    var commandTopics: [String] { relays.commandTopics }

    /// A relay may have said how it stands, or somebody may have commanded it.
    mutating func heard(
        _ topic: String, _ payload: [UInt8], isRetained: Bool, at now: Moment, into outbox: inout Outbox
    ) {
        guard relays.stateTopics.contains(topic) || relays.commandTopics.contains(topic) else { return }
        for news in relays.take(topic, payload, isRetained: isRetained) {
            tell("relay", news.level, news.text, at: now, into: &outbox)
        }
        advance(at: now, hasFrame: false, into: &outbox)
    }

    /// The connection that opens a relay when this program dies came up or went down.
    mutating func guardChanged(_ relay: String, isUp: Bool, at now: Moment, into outbox: inout Outbox) {
        relays.guardChanged(relay, isUp: isUp)
        advance(at: now, hasFrame: false, into: &outbox)
    }

    /// Everything at and below a path of the GX tree.
    mutating func gxValues(at path: String, _ now: Moment) -> [MQTTMessage] {
        let view = view(at: now.monotonic)
        return battery?.values(at: path, view, desk.settings) ?? []
    }

    /// Somebody writes a path of the GX tree: as a command for the setting that stands there. What stands there now is told in
    /// any case, for a GX client knows no other answer.
    mutating func gxWrite(
        _ path: String, _ payload: [UInt8], isRetained: Bool, at now: Moment, into outbox: inout Outbox
    ) {
        let row = SettingsTable.rows(options).first { $0.gxPath == path }
        let words = row.map { GXBattery.words(payload, for: $0) } ?? payload
        let command = InboundCommand(setting: row?.name ?? "/\(path)", payload: words, isRetained: isRetained)
        take(command, at: now, into: &outbox)
        outbox.send(gxValues(at: path, now))
    }

    /// The pack leaves the GX tree.
    var gxFarewell: [MQTTMessage] { battery?.farewell ?? [] }

    /// A retained announcement for this pack was heard.
    mutating func heardAnnouncement(_ topic: String, _ payload: [UInt8], at now: Moment) {
        publisher.heard(topic, payload, at: now)
    }

    /// Home Assistant has started.
    mutating func born(at now: Moment) { publisher.born(at: now) }

    private mutating func advance(at now: Moment, hasFrame: Bool, into outbox: inout Outbox) {
        let snapshot = receiver.snapshot
        computeLimits(snapshot, at: now, into: &outbox)
        publishLimits(snapshot, at: now, hasFrame: hasFrame, into: &outbox)
        tellRest(snapshot, at: now, hasFrame: hasFrame, into: &outbox)
    }

    private mutating func computeLimits(_ snapshot: PackSnapshot, at now: Moment, into outbox: inout Outbox) {
        var surroundings = LimitContext()
        surroundings.otherPacksAreFull = otherPacksAreFull
        surroundings.hour = now.minuteOfDay.map { $0 / 60 }
        if isCommanded || !desk.settings.stored.isEmpty {
            calculator.commands = desk.settings.commands(context)
            isCommanded = !desk.settings.stored.isEmpty
        }
        limits = calculator.step(snapshot, at: now.monotonic, surroundings)
        if calculator.latches != latches {
            latches = calculator.latches
            // Must hold over a crash in the next second, too.
            outbox.saves.insert(options.id)
        }
    }

    private mutating func publishLimits(
        _ snapshot: PackSnapshot, at now: Moment, hasFrame: Bool, into outbox: inout Outbox
    ) {
        if let limits {
            let freshness = times.freshness(of: snapshot.linkAt, at: now.monotonic)
            let age = snapshot.dataAge(freshness, at: now.monotonic)
            publisher.publishLimits(limits, age: age, hasFrame: hasFrame, at: now, into: &outbox)
            note(limits)
        }
    }

    /// All but the limits document.
    private mutating func tellRest(
        _ snapshot: PackSnapshot, at now: Moment, hasFrame: Bool, into outbox: inout Outbox
    ) {
        gxCurrents.step(limits, at: now.monotonic)
        endFullCharge(at: now, into: &outbox)
        if snapshot.framesMeasured != framesNoted, let measured = snapshot.measurements,
            let settings = snapshot.settings
        {
            framesNoted = snapshot.framesMeasured
            peaks.note(measured, balance: settings.balanceVoltage, limits)
            totals.note(measured)
            quality.note(at: now.monotonic)
        }
        for sentence in refusals.step(snapshot.counters, receiver.lastRejected, at: now.monotonic) {
            outbox.say(.warning, "pack \(options.id): \(sentence)")
            outbox.send(publisher.event("framesRefused", sentence, at: now))
        }
        let ceiling = min(options.limits.maximumSoc, calculator.commands.maximumSoc ?? 100)
        for news in watch.step(
            snapshot, limits, isConfigured: isChemistryConfigured, latches: calculator.latches,
            hasMaximumSoc: ceiling < 100)
        {
            tell(news.kind, news.level, news.text, at: now, into: &outbox)
        }
        var view = view(snapshot, at: now.monotonic)
        if relays.isAny {
            for news in relays.step(view, desk.settings, hasFrame: hasFrame, at: now, into: &outbox) {
                tell("relay", news.level, news.text, at: now, into: &outbox)
            }
            view = self.view(snapshot, at: now.monotonic)
        }
        isLive = view.freshness.isLive
        publisher.publish(view, hasFrame: hasFrame, at: now, into: &outbox)
        publisher.publishSettings(desk.settings, pack, snapshot, into: &outbox)
        if isListenedTo, let messages = battery?.changes(view, desk.settings) { outbox.send(messages) }
    }

    private mutating func note(_ limits: Limits) {
        if range == nil { range = LimitRange(limits) } else { range?.note(limits) }
    }

    /// `chargeMode full` goes back to auto when the pack is full, or when that does not come about.
    private mutating func endFullCharge(at now: Moment, into outbox: inout Outbox) {
        guard let since = fullChargeSince else { return }
        let isGivenUp = now.monotonic - since > Self.fullChargePatience
        guard isGivenUp || !calculator.isFullChargeRequested else { return }
        fullChargeSince = nil
        desk.reset(SettingsTable.chargeMode.name)
        outbox.saves.insert(options.id)
        let text =
            isGivenUp
            ? "the full charge by command was given up after 48 h: the pack did not become full"
            : "the full charge by command is done"
        tell("setting", isGivenUp ? .warning : .info, text, at: now, into: &outbox)
    }

    private func tell(
        _ kind: String, _ level: Notice.Level, _ text: String, at now: Moment, into outbox: inout Outbox
    ) {
        outbox.say(level, "pack \(options.id): \(text)")
        outbox.send(publisher.event(kind, text, at: now))
    }

    /// What is known of the pack.
    var snapshot: PackSnapshot { receiver.snapshot }

    /// The pack as the catalogue looks at it.
    ///
    /// Mutating, as is all that each step calls: for a method that is not the compiler copies these kilobytes first.
    ///
    /// - Parameter snapshot: what is known of it; `nil`: as of now.
    mutating func view(_ snapshot: PackSnapshot? = nil, at now: Timestamp) -> PackView {
        PackView(
            pack, name: desk.settings.customName, snapshot ?? receiver.snapshot, limits: limits, peaks: peaks,
            secondsSinceFull: calculator.secondsSinceFull(at: now), totals: totals,
            linkQuality: quality.percent(at: now), gxCurrents: gxCurrents, relays: relays.states(desk.settings),
            tally: tally, latches: calculator.latches, at: now)
    }
}
