import BMSCore

/// How a relay stands, for documents and entities.
struct RelayState: Hashable, Sendable {
    var options: RelayOptions
    /// Override in force.
    var command: String
    /// As commanded; `nil`: not decided yet.
    var isClosed: Bool?
    /// As read back; `nil`: unknown.
    var readBack: Bool?
    /// It does not do what it was told.
    var isAlarm: Bool
    var reason: String
    /// Wall time of the last change, ms since 1970; `nil`: none since the start.
    var since: Int64?
    /// States that could not be read.
    var faults: Int
    /// Commands to open that something else made necessary, since the start.
    var reopened: Int

    /// The same without what may wait for the heartbeat.
    var urgent: RelayState {
        var state = self
        (state.reason, state.faults, state.reopened) = ("", 0, 0)
        return state
    }
}

/// The relays of one pack: decides, commands, repeats, and listens to what they say.
struct RelayBoard: Sendable {
    private struct Unit: Sendable {
        let options: RelayOptions
        var position: RelaySwitch
        var readBack = RelayReadBack()
        var commands = RelayCommands()
        var reopening = RelayReopening()
        /// When it was told last that the relay was opened again.
        var reopeningToldAt: Timestamp?
        /// The broker would open it if this program died, or need not.
        var isGuarded: Bool
        var sentAt: Timestamp?

        init(_ options: RelayOptions, patience: Int64) {
            self.options = options
            position = RelaySwitch(options, patience: patience)
            isGuarded = options.onExit == .hold
        }
    }

    /// A piece of news about a relay.
    struct News: Hashable {
        var level: Notice.Level
        var text: String
    }

    /// Shortest time between two sentences about a relay that is opened again, ms.
    private static let reopeningNews: Int64 = 60_000

    private var units: [Unit]
    /// The bridge's own commands do not come back: what comes live on a command topic is somebody else's.
    private var excludesOwn = false

    init(_ relays: [RelayOptions], patience: Int64) { units = relays.map { Unit($0, patience: patience) } }

    /// Topics on which relays say how they stand.
    var stateTopics: [String] { units.compactMap(\.options.stateTopic) }

    /// Topics on which relays are commanded, by this bridge and perhaps by others.
    var commandTopics: [String] { units.map(\.options.commandTopic) }

    /// There is one at least.
    var isAny: Bool { !units.isEmpty }

    /// Decides anew.
    mutating func step(
        _ view: PackView, _ settings: CommandedSettings, hasFrame: Bool, at now: Moment, into outbox: inout Outbox
    ) -> [News] {
        var news: [News] = []
        for index in units.indices {
            let relay = units[index].options
            let demand = RelayRule.demand(
                relay, settings.stored[relay.setting], isGuarded: units[index].isGuarded, view)
            let hasMoved = units[index].position.step(demand, hasFrame: hasFrame, at: now)
            let cause = units[index].reopening.step(
                mustBeOpen: !hasMoved && units[index].position.isClosed == false,
                readBack: units[index].readBack.isClosed, sentAt: units[index].sentAt, repetition: relay.repetition,
                at: now.monotonic)
            if hasMoved {
                let position = units[index].position
                send(index, at: now.monotonic, into: &outbox)
                units[index].readBack.commanded()
                let verb = position.isClosed == true ? "closes" : "opens"
                news.append(News(level: .info, text: "relay \(relay.name) \(verb): \(position.reason)"))
            } else if let cause {
                send(index, at: now.monotonic, into: &outbox)
                news += tellReopening(index, cause, at: now.monotonic)
            } else if relay.repetition > 0, let sentAt = units[index].sentAt,
                now.monotonic - sentAt >= relay.repetition
            {
                send(index, at: now.monotonic, into: &outbox)
            }
            if relay.stateTopic != nil { news += check(index, at: now.monotonic) }
        }
        return news
    }

    /// A message came; it may be for several relays.
    mutating func take(_ topic: String, _ payload: [UInt8], isRetained: Bool) -> [News] {
        units.indices.compactMap { index in
            if units[index].options.commandTopic == topic {
                return takeCommand(index, payload, isRetained: isRetained)
            }
            guard units[index].options.stateTopic == topic,
                let complaint = units[index].readBack.take(payload, units[index].options)
            else { return nil }
            let text = "relay \(units[index].options.name): \(complaint); look at its state topic, key and words"
            return News(level: .warning, text: text)
        }
    }

    /// A new connection: every relay hears where it should stand.
    ///
    /// - Parameter excludesOwn: the bridge's own commands do not come back (MQTT 5).
    mutating func connected(excludesOwn: Bool, at now: Timestamp, into outbox: inout Outbox) {
        self.excludesOwn = excludesOwn
        for index in units.indices { send(index, at: now, into: &outbox) }
    }

    /// The connection is gone.
    mutating func disconnected() {
        for index in units.indices {
            units[index].readBack.forget()
            units[index].commands.forget()
            units[index].reopening.forget()
        }
    }

    /// The connection that opens a relay when this program dies came up or went down; when it went down, the broker has
    /// opened the relay.
    mutating func guardChanged(_ name: String, isUp: Bool) {
        for index in units.indices where units[index].options.name == name { units[index].isGuarded = isUp }
    }

    /// Relays of an earlier board that are configured as before go on as they stand, unguarded and without a read-back.
    mutating func goOn(from before: RelayBoard) {
        for index in units.indices {
            guard let old = before.units.first(where: { $0.options == units[index].options }) else { continue }
            let isGuarded = units[index].isGuarded
            units[index] = old
            units[index].isGuarded = isGuarded
            units[index].readBack.forget()
        }
    }

    /// How the relays stand.
    func states(_ settings: CommandedSettings) -> [RelayState] {
        units.map { unit in
            RelayState(
                options: unit.options, command: settings.stored[unit.options.setting]?.value.shown ?? "auto",
                isClosed: unit.position.isClosed, readBack: unit.readBack.isClosed, isAlarm: unit.readBack.isAlarm,
                reason: unit.position.reason, since: unit.position.since, faults: unit.readBack.faults,
                reopened: unit.reopening.count)
        }
    }

    private mutating func send(_ index: Int, at now: Timestamp, into outbox: inout Outbox) {
        guard let isClosed = units[index].position.isClosed else { return }
        outbox.send(units[index].options.command(isClosed: isClosed))
        units[index].sentAt = now
    }

    private mutating func takeCommand(_ index: Int, _ payload: [UInt8], isRetained: Bool) -> News? {
        // Where own commands come back, only those that are retained are surely of somebody else.
        guard excludesOwn || isRetained else { return nil }
        let (command, news) = units[index].commands.take(payload, isRetained: isRetained, units[index].options)
        if case .closing(let word) = command { units[index].reopening.heardCommand(word) }
        return news
    }

    private mutating func tellReopening(_ index: Int, _ cause: RelayReopening.Cause, at now: Timestamp) -> [News] {
        if let last = units[index].reopeningToldAt, now - last < Self.reopeningNews { return [] }
        let relay = units[index].options
        let text: String? =
            switch cause {
            // A device may be slow to open; one that does not is an alarm.
            case .standing: nil
            case .closing:
                "relay \(relay.name) reads back closed where it must be open: it is told to open again; look for what else "
                    + "commands it, and for a retained message on \(relay.commandTopic)"
            case .command(let word):
                "somebody else said '\(word.prefix(40))' on \(relay.commandTopic) while relay \(relay.name) must be open: it is "
                    + "told to open again; only the bridge should command it"
            }
        guard let text else { return [] }
        units[index].reopeningToldAt = now
        return [News(level: .warning, text: text)]
    }

    private mutating func check(_ index: Int, at now: Timestamp) -> [News] {
        let relay = units[index].options
        let commanded = units[index].position.isClosed
        guard units[index].readBack.step(commanded, timeout: relay.readBackTimeout, at: now) else { return [] }
        guard units[index].readBack.isAlarm else {
            return [News(level: .info, text: "relay \(relay.name) does what it was told again")]
        }
        let told = "relay \(relay.name) was told to \(commanded == true ? "close" : "open")"
        let seconds = "\(relay.readBackTimeout / 1000) s"
        let answer =
            units[index].readBack.isClosed.map { "reads back \($0 ? "closed" : "open") after \(seconds)" }
            ?? "has not answered for \(seconds)"
        return [
            News(level: .warning, text: "\(told) and \(answer): look at the device, its power and its state topic")
        ]
    }
}
