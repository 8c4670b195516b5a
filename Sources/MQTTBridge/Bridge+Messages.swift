public import BatteryEngine
import BMSCore
public import MQTT

/// Messages of the broker.
extension Bridge {
    /// Milliseconds after a start of Home Assistant in which the packs are announced.
    private static let greeting: Int64 = 5_000
    /// Milliseconds after a connection in which the will of the connection before may come: a broker needs as long to notice its end.
    private static let lateWill: Int64 = 60_000

    /// Handles a message for one of ``subscriptions``.
    public mutating func receive(_ message: MQTTMessage, at now: Moment) -> Outbox {
        var outbox = handle(message, at: now)
        if !isConnected { outbox.messages = [] }
        return outbox
    }

    private mutating func handle(_ message: MQTTMessage, at now: Moment) -> Outbox {
        let (topic, payload, isRetained) = (message.topic, message.payload, message.retain)
        var outbox = Outbox()
        if departures.awaits(topic) {
            departures.hear(topic, payload, isRetained: isRetained, into: &outbox)
            return outbox
        }
        switch router.route(topic) {
        case .command(let battery, let setting):
            // An emptied retained topic of a pack that is gone is no command.
            let isPack = place(of: battery).map { !channels[$0].battery.isBank } ?? false
            guard !payload.isEmpty || isPack else { return outbox }
            let command = CommandPayload.command(setting, payload, isRetained: isRetained)
            return step(.command(command, battery: battery), at: now, answering: message)
        case .commands(let battery):
            for command in CommandPayload.commands(payload, isRetained: isRetained) {
                outbox = step(.command(command, battery: battery), at: now, outbox, answering: message)
            }
        case .tree(let request):
            return answer(request, payload, isRetained: isRetained, at: now)
        case .bridgeStatus:
            if !isRetained, payload != Array("online".utf8) { doubtStatus(at: now.monotonic, into: &outbox) }
        case .status(let battery):
            if !isRetained { hearStatus(of: battery, payload, at: now, into: &outbox) }
        case .document(let word, let battery):
            hear(
                word, of: battery, payload, isRetained: isRetained, expires: message.expiry != nil, at: now,
                into: &outbox)
        case .announcement(let node):
            if !isRetained {
                hearAnnouncement(topic, payload, node: node, at: now, into: &outbox)
            } else if let place = place(ofNode: node) {
                channels[place].receiveAnnouncement(topic, payload, at: now)
            }
        case .birth:
            if payload == Array("online".utf8), !isRetained {
                status.repeatAt = now.monotonic + Self.greeting
                for place in channels.indices { channels[place].homeAssistantStarted(at: now) }
            }
        case .other:
            for (pack, hearings) in relays.read(topic, payload, isRetained: isRetained) {
                outbox = step(.relays(hearings, pack: pack), at: now, outbox)
            }
        }
        return outbox
    }

    /// Somebody else says that this bridge is offline: a second bridge on these topics ended, or was thrown off, or another broker of a
    /// cluster publishes the will of a connection that has ended. Unanswered it would stand for ever. The truth follows with the next
    /// tick, twice a second at most.
    private mutating func doubtStatus(at now: Timestamp, into outbox: inout Outbox) {
        status.isDoubted = true
        for place in channels.indices {
            channels[place].repeatStatus()
            engine.demandReport(of: place)
        }
        if now - status.connectedAt < Self.lateWill {
            return outbox.log(
                .info,
                "the broker said late on \(options.topics.bridgeStatus) that this bridge is offline, probably for the connection before: "
                    + "'online' is said again")
        }
        outbox.log(
            .warning,
            "somebody else said that this bridge is not online, on \(options.topics.bridgeStatus): if a second bridge runs with mqtt.base "
                + "'\(options.topics.base)', give it another; else keep it out with the broker's access rules ('bms-mqtt acl')"
        )
    }
}
