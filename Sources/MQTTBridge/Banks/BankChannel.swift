import MQTT
import BMSCore
import ChargeLimits

/// One bank on its way from its packs to topics. It stands behind the same publisher as a pack.
struct BankChannel: Sendable {
    /// Frames of its packs that change no limit are looked at together, so often, ms.
    private static let interval: Int64 = 400

    private(set) var options: BankOptions
    /// Its packs, by their places in the bridge.
    private(set) var members: [Int]
    private var pack: Shared<PackOptions>
    private var bridge: BridgeOptions
    private var calculator: BankCalculator
    private var publisher: PackPublisher
    private var gate = CommandGate()
    private var gxCurrents = GXCurrents()
    private var battery: GXBattery?
    private var settings: CommandedSettings
    private var standings: [BankStanding]
    private var isMismatched = false
    private var begunAt: Timestamp?
    private var isUnheardTold = false
    private var last: PackView?
    private var steppedAt: Timestamp?
    /// What each pack's limits were in the step before.
    private var levels: [Limits.Levels?]
    private var energy: BankEnergy
    private var fade: BankFade
    private(set) var limits: Limits?
    /// Somebody listens to the GX tree.
    var isListenedTo = false {
        didSet { if !isListenedTo && oldValue { battery?.forget() } }
    }

    /// - Parameters:
    ///   - shares: what was kept of the packs; those of another bank say nothing here.
    ///   - state: what was kept of the bank; `nil`: nothing.
    init(
        _ options: BankOptions, _ bridge: BridgeOptions, members: [Int], shares: [BankShare?], state: BankState?
    ) {
        self.options = options
        self.members = members
        self.bridge = bridge
        pack = Shared(options.asPack)
        calculator = BankCalculator(
            options.limits, packs: members.count, shares: shares.map { $0?.bank == options.id ? $0 : nil })
        publisher = PackPublisher(pack.value, bridge)
        settings = CommandedSettings([:], pack.value)
        standings = members.map { _ in .waiting }
        levels = members.map { _ in nil }
        energy = BankEnergy(state)
        fade = BankFade(packs: members.count)
        battery = bridge.gxTree.map {
            GXBattery(
                options.gxInstance, $0.topics, bridge.economy, heartbeat: bridge.stateHeartbeat,
                version: bridge.version, connection: pack.value.connection)
        }
    }

    /// Steps where a pack's limits changed, or when it is time.
    ///
    /// - Parameter touched: the pack whose frame came; `nil`: time passed.
    mutating func step(_ packs: inout [PackChannel], touched: Int?, at now: Moment, into outbox: inout Outbox) {
        if let touched {
            guard let place = members.firstIndex(of: touched) else { return }
            let isDue = steppedAt.map { now.monotonic - $0 >= Self.interval || now.monotonic < $0 } ?? true
            let isChanged = packs[touched].limits?.levels != levels[place]
            guard isDue || isChanged else { return }
        }
        steppedAt = now.monotonic
        begunAt = begunAt ?? now.monotonic
        for (place, index) in members.enumerated() { levels[place] = packs[index].limits?.levels }
        let inputs = members.map { index in
            BankMember(
                name: packs[index].options.id, snapshot: packs[index].snapshot, limits: packs[index].limits,
                isDisconnected: options.disconnected.contains(packs[index].options.id))
        }
        limits = calculator.step(inputs, at: now.monotonic)
        gxCurrents.step(limits, at: now.monotonic)
        tellStandings(at: now, into: &outbox)
        tellUnheard(at: now, into: &outbox)
        count(packs, at: now, into: &outbox)
        let views = views(&packs, at: now.monotonic)
        let fading = fade.step(views.map(Self.share), isLive: views.map { $0?.live != nil }, at: now.monotonic)
        tellFading(fading, at: now, into: &outbox)
        let view = view(views, at: now.monotonic)
        last = view
        publisher.publish(view, hasFrame: touched != nil, at: now, into: &outbox)
        if isListenedTo, let messages = battery?.changes(view, settings) { outbox.send(messages) }
    }

    /// The broker knows nothing of this bank (any more).
    mutating func connected(
        _ packs: inout [PackChannel], canExpire: Bool, at now: Moment, into outbox: inout Outbox
    ) {
        let view = view(views(&packs, at: now.monotonic), at: now.monotonic)
        publisher.connected(view, canExpire: canExpire, at: now, into: &outbox)
    }

    /// The bank's status is `online`, by this bridge.
    var saysOnline: Bool { isLive && !publisher.areLimitsRefused }

    /// There is such a document to send.
    func knows(_ word: OwnWord) -> Bool { publisher.knows(word) }

    /// Has a document that is known said again with the next step.
    mutating func forget(_ word: OwnWord) { publisher.forget(word) }

    /// An announcement of these bytes went out from here.
    func hasSaid(_ topic: String, _ payload: [UInt8]) -> Bool { publisher.hasSaid(topic, payload) }

    /// The bank is announced once more.
    mutating func announceAgain(at now: Moment) { publisher.announceAgain(at: now) }

    /// The broker takes no limits of this bank, or takes them again.
    mutating func limitsRefused(_ isRefused: Bool) { publisher.areLimitsRefused = isRefused }

    /// Knowledge of the line to the broker.
    mutating func lineChanged(_ line: PackPublisher.Line) { publisher.line = line }

    /// A retained announcement for this bank was heard.
    mutating func heardAnnouncement(_ topic: String, _ payload: [UInt8], at now: Moment) {
        publisher.heard(topic, payload, at: now)
    }

    /// Good frames of at least one pack come.
    var isLive: Bool { last?.freshness.isLive ?? false }

    /// Somebody else spoke on the bank's status: what is true is said with the next step.
    mutating func forgetStatus() { publisher.forgetStatus() }

    /// Home Assistant has started.
    mutating func born(at now: Moment) { publisher.born(at: now) }

    /// Everything at and below a path of the GX tree.
    mutating func gxValues(at path: String) -> [MQTTMessage] {
        guard let last else { return [] }
        return battery?.values(at: path, last, settings) ?? []
    }

    /// The bank leaves the GX tree.
    var gxFarewell: [MQTTMessage] { battery?.farewell ?? [] }

    /// A command for a bank: it has no settings of its own.
    mutating func refuse(_ command: InboundCommand, at now: Moment, into outbox: inout Outbox) {
        // What is emptied is no command, and a flood gets no answers.
        guard !command.payload.isEmpty, gate.check(at: now.monotonic) == .pass else { return }
        let reason =
            "'\(options.id)' is a bank and has no settings of its own: command its packs "
            + options.packs.joined(separator: ", ")
        let response = command.responseTopic.map { [$0] } ?? []
        outbox.answers.append(
            CommandAnswer(
                topics: [bridge.topics.result(options.id)] + response, correlationData: command.correlationData,
                setting: command.setting, asked: nil,
                answer: CommandedSettings.Answer(isAccepted: false, reason: reason, effective: nil)))
    }

    /// Goes on where the channel of an earlier configuration stopped, if its packs and its bounds are the same. Else it has the
    /// shares that it was made with.
    mutating func goOn(from before: BankChannel) {
        let old = before.options
        guard old.packs == options.packs, old.limits == options.limits, old.disconnected == options.disconnected else {
            return
        }
        let fresh = self
        self = before
        (options, members, pack, bridge) = (fresh.options, fresh.members, fresh.pack, fresh.bridge)
        (publisher, settings, battery, isListenedTo) = (fresh.publisher, fresh.settings, fresh.battery, false)
        // Its view has the options of before.
        last = nil
    }

    /// What should survive a restart, by a pack's place.
    func share(_ place: Int) -> BankShare? { calculator.memory(of: place, in: options.id) }

    /// By place, whether every other pack is full: then a pack may float.
    func othersAreFull(_ limits: [Limits?]) -> [Bool] { calculator.othersAreFull(limits) }

    /// State of the bank itself that should survive a restart.
    ///
    /// - Parameter isEnding: nothing is published after it.
    func state(isEnding: Bool) -> BankState { energy.state(isEnding: isEnding) }

    /// Counts the energy of the packs that are seen.
    private mutating func count(_ packs: [PackChannel], at now: Moment, into outbox: inout Outbox) {
        energy.step(
            members.map { index in
                let id = packs[index].options.id
                let isSeen = packs[index].isLive && !options.disconnected.contains(id)
                return BankEnergy.Member(id: id, isSeen: isSeen, totals: packs[index].totals)
            }, at: now)
        if energy.takeSave() { outbox.saves.insert(options.id) }
    }

    private static func share(_ view: PackView?) -> BankFade.Share? { view.flatMap { BankFade.Share($0.snapshot) } }

    private mutating func tellFading(_ places: [Int], at now: Moment, into outbox: inout Outbox) {
        for place in places {
            let text =
                "\(options.packs[place]) is silent: state of charge and stored energy go to those of the packs that are heard, "
                + "by 1 point a minute at most"
            tell(.info, text, at: now, into: &outbox)
        }
    }

    /// Views of the packs by their places; `nil`: off the bus by configuration.
    private func views(_ packs: inout [PackChannel], at now: Timestamp) -> [PackView?] {
        members.map { options.disconnected.contains(packs[$0].options.id) ? nil : packs[$0].view(at: now) }
    }

    private func view(_ views: [PackView?], at now: Timestamp) -> PackView {
        let places = views.indices.filter { views[$0] != nil }
        return PackView(
            bank: pack, packs: views.compactMap(\.self), absent: members.count - places.count,
            onBus: places.map { place in
                [calculator.chargeStanding(place), calculator.dischargeStanding(place)].contains {
                    $0 == .counted || $0 == .defiant
                }
            }, weights: places.map { fade.weights[$0] }, totals: energy.totals, unheard: unheard(at: now),
            limits: limits, gxCurrents: gxCurrents, now: now)
    }

    /// As for a pack that fell silent when the bank began.
    private func unheard(at now: Timestamp) -> AlarmLevel? {
        guard let begunAt, members.indices.contains(where: { calculator.chargeStanding($0) == .waiting }) else {
            return nil
        }
        let times = options.limits.freshness
        return now - begunAt > times.lost ? .alarm : now - begunAt > times.stale ? .warning : nil
    }

    /// Packs that were never heard, by name, once.
    private mutating func tellUnheard(at now: Moment, into outbox: inout Outbox) {
        guard !isUnheardTold, unheard(at: now.monotonic) != nil else { return }
        isUnheardTold = true
        for place in members.indices where calculator.chargeStanding(place) == .waiting {
            let text = "was not heard since the start: it counts zero, and the charge voltage is lowered"
            tell(.warning, "\(options.packs[place]) \(text)", at: now, into: &outbox)
        }
    }

    private mutating func tellStandings(at now: Moment, into outbox: inout Outbox) {
        for place in members.indices {
            let new = worse(calculator.chargeStanding(place), calculator.dischargeStanding(place))
            guard new != standings[place] else { continue }
            defer { standings[place] = new }
            // The start is no news, nor is what the file says.
            guard let text = Self.sentence(new, before: standings[place]) else { continue }
            tell(new == .counted ? .info : .warning, "\(options.packs[place]) \(text)", at: now, into: &outbox)
        }
        let isNow = limits?.has(.mismatch) ?? false
        if isNow, !isMismatched, let reason = limits?.reason(.ccl) { tell(.warning, reason, at: now, into: &outbox) }
        isMismatched = isNow
    }

    private func worse(_ one: BankStanding, _ other: BankStanding) -> BankStanding {
        [BankStanding.defiant, .silent, .disconnected, .waiting, .open].first { $0 == one || $0 == other } ?? .counted
    }

    private static func sentence(_ standing: BankStanding, before: BankStanding) -> String? {
        switch standing {
        case .counted: before == .waiting ? nil : "takes part again"
        case .open: "is kept off by its BMS: it counts zero, and its share is given to nobody"
        case .defiant: "carries current though its BMS forbids it: the bank is held at zero in that direction"
        case .silent:
            "is silent: it counts zero, its share is given to nobody, and the charge voltage is lowered while it may "
                + "still be connected"
        case .waiting, .disconnected: nil
        }
    }

    private func tell(_ level: Notice.Level, _ text: String, at now: Moment, into outbox: inout Outbox) {
        outbox.say(level, "bank \(options.id): \(text)")
        outbox.send(publisher.event("bank", text, at: now))
    }
}
