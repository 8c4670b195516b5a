import BMSCore
import ChargeLimits

/// One bank: its packs and time in, reports out.
struct BankEngine: Sendable {
    /// Frames that change no limit are evaluated together, at most this often, ms.
    private static let interval: Int64 = 400

    /// Place of the bank behind the packs of the configuration.
    private(set) var place: Int
    /// The bank by configuration.
    private(set) var options: BankOptions
    /// Places of its packs.
    private(set) var members: [Int]
    private var identity: Shared<BatteryIdentity>
    private var calculator: BankCalculator
    private var limiter = RateLimiter()
    private var membership: BankMembership
    private var changes = ChangeDetector()
    private var steppedAt: Timestamp?
    /// Limits of each pack as of the last step.
    private var levels: [Limits.Levels?]
    private var energy: BankEnergy
    private var fade: BankFade
    private var cells = SteadyCells()
    private var direction = DirectionFollower()
    /// The limits as of the last step; `nil` before its packs were heard.
    private(set) var limits: Limits?

    /// - Parameters:
    ///   - members: places and ids of its packs.
    ///   - shares: kept shares of the packs; those of another bank say nothing here.
    ///   - state: kept state of the bank; `nil`: there is none.
    init(
        _ options: BankOptions, place: Int, members: [(place: Int, id: String)], shares: [BankShare?], state: BankState?
    ) {
        self.options = options
        self.place = place
        self.members = members.map(\.place)
        identity = Shared(options.identity)
        calculator = BankCalculator(
            options.limits, packs: members.count, shares: shares.map { $0?.bank == options.id ? $0 : nil })
        membership = BankMembership(members.map(\.id))
        levels = members.map { _ in nil }
        energy = BankEnergy(state)
        fade = BankFade(packs: members.count)
    }

    /// A step is due: a limit of the pack has changed, or the last step is long enough ago.
    func isDue(after pack: PackEngine, at now: Timestamp) -> Bool {
        guard let place = members.firstIndex(of: pack.place) else { return false }
        let isTime = steppedAt.map { now - $0 >= Self.interval || now < $0 } ?? true
        return isTime || pack.limits?.levels != levels[place]
    }

    /// Evaluates the bank.
    ///
    /// - Parameter packs: all packs of the configuration.
    mutating func step(_ packs: [PackEngine], _ trigger: Trigger, at now: Moment) -> BatteryUpdate {
        let own = members.map { packs[$0] }
        steppedAt = now.monotonic
        membership.begin(at: now.monotonic)
        levels = own.map { $0.limits?.levels }
        limits = calculator.step(
            own.map { pack in
                BankMember(
                    name: pack.options.id, snapshot: pack.snapshot, limits: pack.limits,
                    isDisconnected: isOff(pack))
            }, at: now.monotonic)
        var events = membership.step(calculator, limits, options.limits.freshness, at: now.monotonic)
        energy.step(
            own.map { pack in
                BankEnergy.Member(id: pack.options.id, isSeen: pack.isLive && !isOff(pack), totals: pack.totals)
            }, at: now)
        let reports = reports(packs, at: now.monotonic)
        let fading = fade.step(
            reports.map { $0.flatMap { BankFade.Share($0) } }, isLive: reports.map { $0?.readings != nil },
            at: now.monotonic)
        events += fading.map { place in
            BatteryEvent(
                "bank", .info,
                "\(membership.names[place]) is silent: state of charge and stored energy go to those of the packs that are heard, "
                    + "by 1 point a minute at most")
        }
        let momentary = momentary(reports, at: now.monotonic)
        cells.step(momentary)
        direction.step(momentary.readings?.current, at: now.monotonic)
        let report = momentary.steadied(cells, direction.direction)
        var update = BatteryUpdate(place, report, trigger)
        update.events = events + changes.step(report)
        update.mustBeKept = energy.takeSave()
        return update
    }

    /// Refuses a command: a bank has no settings of its own.
    ///
    /// - Returns: the answer; `nil` in a flood, and to an empty message that clears a retained command.
    mutating func refuse(_ command: BatteryCommand, at now: Moment) -> CommandResult? {
        guard !command.isRetained || command.content != .nothing, limiter.check(at: now.monotonic) == .pass else {
            return nil
        }
        let reason =
            "'\(options.id)' is a bank and has no settings of its own: command its packs "
            + options.packs.joined(separator: ", ")
        return CommandResult(
            battery: options.id, setting: command.setting, asked: nil,
            answer: CommandedSettings.Answer(isAccepted: false, reason: reason))
    }

    /// Continues where the engine of an earlier configuration stopped. With the same packs, on the same bus, nothing is forgotten; with
    /// others its limits go on, and what is known of each pack that stays.
    mutating func resume(from before: BankEngine) {
        let old = before.options
        guard old.packs == options.packs, old.disconnected == options.disconnected else {
            calculator.goOn(
                from: before.calculator, places: membership.names.map { before.membership.names.firstIndex(of: $0) })
            return
        }
        let fresh = self
        self = before
        (options, place, members, identity) = (fresh.options, fresh.place, fresh.members, fresh.identity)
        calculator.configuration = options.limits
        changes = ChangeDetector()
    }

    /// Share of a pack that should survive a restart, by the pack's place in the bank.
    func share(_ place: Int) -> BankShare? { calculator.memory(of: place, in: options.id) }

    /// By place in the bank, true where every other pack is full: then the pack may float.
    func othersAreFull(_ packs: [PackEngine]) -> [Bool] {
        calculator.othersAreFull(members.map { packs[$0].limits })
    }

    /// State of the bank itself that should survive a restart.
    ///
    /// - Parameter isEnding: nothing is published after it.
    func state(isEnding: Bool) -> BankState { energy.state(isEnding: isEnding) }

    /// The bank as of now.
    ///
    /// - Parameter packs: all packs of the configuration.
    func report(_ packs: [PackEngine], at now: Timestamp) -> BatteryReport {
        momentary(reports(packs, at: now), at: now).steadied(cells, direction.direction)
    }

    /// Reports of the packs by their places in the bank; `nil`: off the bus by configuration.
    private func reports(_ packs: [PackEngine], at now: Timestamp) -> [BatteryReport?] {
        members.map { isOff(packs[$0]) ? nil : packs[$0].report(at: now) }
    }

    /// The pack is off the bus by configuration.
    private func isOff(_ pack: PackEngine) -> Bool { options.disconnected.contains(pack.options.id) }

    /// The bank as of now, by the newest reports of its packs alone.
    private func momentary(_ reports: [BatteryReport?], at now: Timestamp) -> BatteryReport {
        let places = reports.indices.filter { reports[$0] != nil }
        return BatteryReport(
            identity, packs: reports.compactMap(\.self), absent: members.count - places.count,
            takesPart: places.map { place in
                [calculator.chargeStanding(place), calculator.dischargeStanding(place)].contains {
                    $0 == .active || $0 == .ignoringBMS
                }
            }, weights: places.map { fade.weights[$0] }, totals: energy.totals,
            unheard: membership.unheard(calculator, options.limits.freshness, at: now), limits: limits, at: now)
    }
}
