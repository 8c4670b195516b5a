import BMSCore

/// Controls the relays of one pack: decides, commands, repeats, and compares with what their devices report.
struct RelayController: Sendable {
    private struct Unit: Sendable {
        let options: RelayOptions
        var position: RelaySwitch
        var readBack = RelayFeedback()
        var reopening = RelayReopening()
        /// Time of the last event about a relay that was opened again.
        var reopeningReportedAt: Timestamp?
        /// The broker would open it if this program died, or need not.
        var isGuarded: Bool
        var sentAt: Timestamp?

        init(_ options: RelayOptions, patience: Int64) {
            self.options = options
            position = RelaySwitch(options, patience: patience)
            isGuarded = options.onExit == .hold
        }
    }

    /// Commands and events of a step.
    struct Output {
        var orders: [RelayOrder] = []
        var events: [BatteryEvent] = []

        mutating func report(_ level: Notice.Level, _ text: String) {
            events.append(BatteryEvent("relay", level, text))
        }
    }

    /// Shortest time between two sentences about a relay that is opened again, ms.
    private static let reopeningInterval: Int64 = 60_000

    private var units: [Unit]

    init(_ relays: [RelayOptions], patience: Int64) { units = relays.map { Unit($0, patience: patience) } }

    /// The pack has relays.
    var hasRelays: Bool { !units.isEmpty }

    /// Decides for every relay.
    mutating func step(
        _ report: BatteryReport, _ settings: CommandedSettings, hasFrame: Bool, at now: Moment,
        into output: inout Output
    ) {
        for index in units.indices {
            let relay = units[index].options
            let demand = RelayPolicy.demand(
                relay, settings.stored[relay.setting], isGuarded: units[index].isGuarded, report)
            let hasMoved = units[index].position.step(demand, hasFrame: hasFrame, at: now)
            let cause = units[index].reopening.step(
                mustBeOpen: !hasMoved && units[index].position.isClosed == false,
                readBack: units[index].readBack.isClosed, sentAt: units[index].sentAt, repetition: relay.repetition,
                at: now.monotonic)
            if hasMoved {
                let position = units[index].position
                send(index, at: now.monotonic, into: &output)
                units[index].readBack.commanded()
                output.report(
                    .info, "relay \(relay.name) \(position.isClosed == true ? "closes" : "opens"): \(position.reason)")
            } else if let cause {
                send(index, at: now.monotonic, into: &output)
                reportReopening(index, cause, at: now.monotonic, into: &output)
            } else if relay.repetition > 0, let sentAt = units[index].sentAt,
                now.monotonic - sentAt >= relay.repetition
            {
                send(index, at: now.monotonic, into: &output)
            }
            if relay.stateTopic != nil { compare(index, at: now.monotonic, into: &output) }
        }
    }

    /// Records a message about a relay.
    mutating func record(_ hearing: RelayHearing, into output: inout Output) {
        for index in units.indices where units[index].options.name == hearing.relay {
            switch hearing.word {
            case nil: break
            case .state(let isClosed): units[index].readBack.record(isClosed: isClosed)
            case .closing(let word): units[index].reopening.heardCommand(word)
            case .unreadable(let sentence):
                if units[index].readBack.recordUnreadable() { output.report(.warning, sentence) }
            }
        }
        if let event = hearing.event { output.events.append(event) }
    }

    /// Repeats the command of every relay, for a new connection.
    mutating func connected(at now: Timestamp, into output: inout Output) {
        for index in units.indices { send(index, at: now, into: &output) }
    }

    /// The connection is gone.
    mutating func disconnected() {
        for index in units.indices {
            units[index].readBack.forget()
            units[index].reopening.forget()
        }
    }

    /// The connection that opens a relay when this program dies came up or went down; when it went down, the broker has
    /// opened the relay.
    mutating func guardChanged(_ name: String, isUp: Bool) {
        for index in units.indices where units[index].options.name == name { units[index].isGuarded = isUp }
    }

    /// Relays of an earlier controller that are configured as before continue in their position, unguarded and without a read-back.
    mutating func resume(from before: RelayController) {
        for index in units.indices {
            guard let old = before.units.first(where: { $0.options == units[index].options }) else { continue }
            let isGuarded = units[index].isGuarded
            units[index] = old
            units[index].isGuarded = isGuarded
            units[index].readBack.forget()
        }
    }

    /// States of the relays.
    func states(_ settings: CommandedSettings) -> [RelayState] {
        units.map { unit in
            RelayState(
                options: unit.options, command: settings.stored[unit.options.setting]?.value.shown ?? "auto",
                isClosed: unit.position.isClosed, readBack: unit.readBack.isClosed, isAlarm: unit.readBack.isAlarm,
                reason: unit.position.reason, since: unit.position.since, faults: unit.readBack.faults,
                reopened: unit.reopening.count)
        }
    }

    private mutating func send(_ index: Int, at now: Timestamp, into output: inout Output) {
        guard let isClosed = units[index].position.isClosed else { return }
        output.orders.append(RelayOrder(relay: units[index].options, isClosed: isClosed))
        units[index].sentAt = now
    }

    private mutating func reportReopening(
        _ index: Int, _ cause: RelayReopening.Cause, at now: Timestamp, into output: inout Output
    ) {
        if let last = units[index].reopeningReportedAt, now - last < Self.reopeningInterval { return }
        let relay = units[index].options
        let text: String? =
            switch cause {
            // A device may be slow to open; one that does not open is an alarm.
            case .standing: nil
            case .closing:
                "relay \(relay.name) reads back closed where it must be open: it is told to open again; look for what else "
                    + "commands it, and for a retained message on \(relay.commandTopic)"
            case .command(let word):
                "somebody else said '\(word.prefix(40))' on \(relay.commandTopic) while relay \(relay.name) must be open: it is "
                    + "told to open again; only the bridge should command it"
            }
        guard let text else { return }
        units[index].reopeningReportedAt = now
        output.report(.warning, text)
    }

    private mutating func compare(_ index: Int, at now: Timestamp, into output: inout Output) {
        let relay = units[index].options
        let commanded = units[index].position.isClosed
        guard units[index].readBack.step(commanded, timeout: relay.readBackTimeout, at: now) else { return }
        guard units[index].readBack.isAlarm else {
            return output.report(.info, "relay \(relay.name) does what it was told again")
        }
        let told = "relay \(relay.name) was told to \(commanded == true ? "close" : "open")"
        let seconds = "\(relay.readBackTimeout / 1000) s"
        let answer =
            units[index].readBack.isClosed.map { "reads back \($0 ? "closed" : "open") after \(seconds)" }
            ?? "has not answered for \(seconds)"
        output.report(.warning, "\(told) and \(answer): look at the device, its power and its state topic")
    }
}
