public import BatteryEngine
public import BMSCore
public import ChargeLimits
public import MQTT

/// Subscriptions, wills, last messages, and the state of the engine.
extension Bridge {
    /// Subscriptions that the bridge needs on each connection.
    public var subscriptions: [Subscription] {
        let ids = channels.map(\.battery.id)
        let birth = options.discovery == .off ? [] : [options.birthTopic]
        let relayCommands = relays.commandTopics.map {
            Subscription($0, qos: 1, noLocal: true, toleratesOwn: true, retainAsPublished: true)
        }
        // Announcements from before this start are known by being heard.
        let announced = options.discovery == .off ? [] : ids.flatMap { options.topics.announced($0) }
        var result = [Subscription(options.topics.commands, qos: 1, retainAsPublished: true)]
        result += (birth + relays.stateTopics).map { Subscription($0, qos: 1) }
        result += relayCommands
        result += announced.map { Subscription($0, qos: 1, isLarge: true) }
        result.append(Subscription(options.topics.statuses, qos: 1, noLocal: true))
        // A will that comes late must be heard, and it comes from this client's own identifier; this bridge's own `online` does no harm.
        result.append(Subscription(options.topics.bridgeStatus, qos: 1))
        result += options.topics.words(of: ids)
        return result + (gx?.topics.filters ?? [])
    }

    /// Wills of the relays that must not outlive this program: the broker sends them when it dies. One connection carries one will, so each
    /// needs a connection of its own.
    public var guards: [RelayGuard] {
        engine.packOptions.enumerated().flatMap { index, pack in
            pack.relays.filter { $0.onExit == .open }.map {
                RelayGuard(pack: index, packID: pack.id, relay: $0.name, will: $0.command(isClosed: false))
            }
        }
    }

    /// Will of the bridge.
    public var will: MQTTMessage { bridgeStatus("offline") }

    /// Last messages before a clean end, the most urgent first: of a thousand packs not all may be sent in time, and the bridge's own status
    /// speaks for every one.
    public var farewell: [MQTTMessage] {
        guards.map(\.will) + [bridgeStatus("offline")]
            + channels.map { channel in
                MQTTMessage(options.topics.status(channel.battery.id), Array("offline".utf8), qos: 1, retain: true)
            }
    }

    /// Messages after ``farewell`` where nobody goes on with the GX tree.
    public func treeFarewell(at now: Timestamp) -> [MQTTMessage] {
        guard let gx, !gx.isYielded(at: now) else { return [] }
        return channels.flatMap(\.treeClearing)
    }

    /// The limits of a battery, by its place, as of the last step; `nil` before the first believed frame.
    public func limits(of battery: Int) -> Limits? { engine.limits(of: battery) }

    /// States that should survive a restart, by the packs' ids.
    public func states(at now: Timestamp) -> [String: PackState] { engine.states(at: now) }

    /// States of the banks that should survive a restart, by their ids.
    ///
    /// - Parameter isEnding: nothing is published after it.
    public func bankStates(isEnding: Bool) -> [String: BankState] { engine.bankStates(isEnding: isEnding) }

    /// Summaries of all packs.
    public func summaries(at now: Timestamp) -> [PackSummary] { engine.summaries(at: now) }

    /// Summaries of all packs; the ranges of the limits start again.
    public mutating func takeSummaries(at now: Timestamp) -> [PackSummary] {
        defer { engine.clearRanges() }
        return summaries(at: now)
    }
}
