import MQTT
import BMSCore
import ChargeLimits
import LinuxIO
import BatteryEngine
import CANBus
import MQTTBridge
import Mosquitto
import ServiceIO

/// Feeds bytes, time and the broker's events to the pure ``Bridge``, and publishes the messages of its steps. A caller steps the
/// bridge on its own thread, under one lock, and publishes before it releases the lock, so messages go out in the order of the steps.
/// Publishing never waits for the network, and no step waits for the disk.
final class BridgeRuntime: Sendable {
    /// Milliseconds between two ticks; silence must lower limits within a second.
    static let tickMilliseconds = 500.0

    private struct State: Sendable {
        var bridge: Bridge
        /// The last messages are made; none may follow them.
        var hasEnded = false
    }

    private let state: Lock<State>
    private let link: MosquittoLink
    private let log: Log
    private let clock: PacedClock
    private let writer: StateWriter
    /// Buses on which batteries are told, by the places of the batteries.
    private let buses: [Int: [CANBusLink]]

    init(
        _ bridge: Bridge, link: MosquittoLink, log: Log, clock: PacedClock, writer: StateWriter,
        buses: [Int: [CANBusLink]] = [:]
    ) {
        state = Lock(State(bridge: bridge))
        self.buses = buses
        self.link = link
        self.log = log
        self.clock = clock
        self.writer = writer
    }

    /// Bytes of a pack that arrive at this moment.
    func receive(_ bytes: [UInt8], pack: Int) { step { $0.receive(bytes, pack: pack, at: $1) } }

    /// Bytes of a pack that a source has read.
    ///
    /// - Parameter time: latest time at which they can have come, in seconds of ``MonotonicTime/sinceBoot()``.
    func receive(_ bytes: [UInt8], arrivedAt time: Double, pack: Int) {
        // The age is computed under the lock, because the wait for the lock may have been long.
        step { [clock] in $0.receive(bytes, pack: pack, age: clock.milliseconds(since: time), at: $1) }
    }

    /// Handles a break in the bytes of a pack's source.
    func sourceChanged(pack: Int, _ change: SourceChange) {
        step { $0.sourceChanged(pack: pack, change, at: $1) }
    }

    /// Summaries of all packs.
    ///
    /// - Parameter takesRanges: the ranges of the limits start again.
    func summaries(takesRanges: Bool) -> [PackSummary] {
        let now = clock.now().monotonic
        return state.withLock { takesRanges ? $0.bridge.takeSummaries(at: now) : $0.bridge.summaries(at: now) }
    }

    /// Steps the bridge because time has passed.
    func tick() { step { $0.tick(at: $1) } }

    /// Handles a connection that the broker has accepted; ``lineChanged(takesLarge:)`` follows.
    ///
    /// - Parameter broker: place of the broker in the configuration.
    func connected(canExpire: Bool, broker: Int) {
        step { $0.connected(canExpire: canExpire, takesLarge: nil, broker: broker, at: $1) }
    }

    func lineChanged(takesLarge: Bool) { state.withLock { $0.bridge.lineChanged(takesLarge: takesLarge) } }

    /// Handles a topic whose messages the broker refuses, or accepts again.
    func refusalChanged(_ topic: String, isOver: Bool, isOfSize: Bool) {
        state.withLock { $0.bridge.refusalChanged(topic, isOver: isOver, isOfSize: isOfSize) }
    }

    /// Handles the end of a connection.
    ///
    /// - Parameter isOfSize: the broker ended it because of a message that was too large for it.
    func disconnected(isOfSize: Bool) {
        step {
            if isOfSize { $0.packetTooLarge() }
            return $0.disconnected(at: $1)
        }
    }

    func guardChanged(_ relayGuard: RelayGuard, isUp: Bool) {
        step { $0.guardChanged(relayGuard, isUp: isUp, at: $1) }
    }

    func receive(_ message: MQTTMessage) { step { $0.receive(message, at: $1) } }

    /// Handles news of a bus on which a battery is told.
    func busChanged(_ figures: BusFigures, battery: Int) {
        state.withLock { $0.bridge.busChanged(figures, battery: battery, at: clock.now().monotonic) }
    }

    func limits(of battery: Int) -> Limits? { state.withLock { $0.bridge.limits(of: battery) } }

    /// States of the packs to keep, by pack id.
    func states() -> [String: PackState] {
        state.withLock { $0.bridge.states(at: clock.now().monotonic) }
    }

    /// The bridge in its present state, for the service that follows.
    var bridge: Bridge { state.withLock { $0.bridge } }

    /// States of the banks to keep, by bank id.
    ///
    /// - Parameter isEnding: nothing is published after this call.
    func bankStates(isEnding: Bool) -> [String: BankState] {
        state.withLock { $0.bridge.bankStates(isEnding: isEnding) }
    }

    /// Publishes messages that do not come from a step: answers that waited for the disk.
    func publish(_ messages: [MQTTMessage]) {
        state.withLock { state in
            guard !state.hasEnded else { return }
            for message in messages { link.publish(message) }
        }
    }

    /// Ends the publishing.
    ///
    /// - Parameter keepsTree: another bridge goes on with the GX tree.
    /// - Returns: the last messages.
    func end(keepsTree: Bool) -> [MQTTMessage] {
        state.withLock { state in
            state.hasEnded = true
            let tree = keepsTree ? [] : state.bridge.treeFarewell(at: clock.now().monotonic)
            return state.bridge.farewell + tree
        }
    }

    private func step(_ body: (inout Bridge, Moment) -> Outbox) {
        let notices = state.withLock { state -> [Notice] in
            guard !state.hasEnded else { return [] }
            // Before the step: a process that is frozen in it must not make its report look new.
            let time = MonotonicTime.sinceBoot()
            return send(body(&state.bridge, clock.now()), at: time)
        }
        say(notices)
    }

    /// Hands on everything that a step brings. Called under the lock, on the thread of a source or of the clock: nothing here may wait.
    ///
    /// - Parameter time: the beginning of the step, in seconds of ``MonotonicTime/sinceBoot()``.
    /// - Returns: notices to log when the lock is free.
    private func send(_ outbox: Outbox, at time: Double) -> [Notice] {
        // A bus goes on without a broker.
        if !buses.isEmpty {
            for update in outbox.updates {
                for bus in buses[update.battery] ?? [] {
                    bus.tell(update.report, isFromFrame: update.trigger == .frame, at: time)
                }
            }
        }
        for message in outbox.messages { link.publish(message) }
        if !outbox.subscriptions.isEmpty { link.subscribeOnce(outbox.subscriptions) }
        // Limits do not wait for the disk; answers do, because they say whether the change is kept.
        if !outbox.saves.isEmpty || !outbox.answers.isEmpty { writer.enqueue(outbox.saves, outbox.answers) }
        if !outbox.settled.isEmpty || !outbox.cleared.isEmpty { writer.settle(outbox.settled, cleared: outbox.cleared) }
        return outbox.notices
    }

    private func say(_ notices: [Notice]) {
        for notice in notices { log.take(notice) }
    }
}

/// The clock of a bridge: the machine's clock, or for a simulated pack a faster one, so that filters, ramps and staleness fit the
/// pack's own time.
final class PacedClock: Sendable {
    private struct State {
        var speed: Double
        /// Time of the machine's clock, and of this one, at which the speed began.
        var real: Timestamp
        var shown: Timestamp
    }

    private let state: Lock<State>

    init(speed: Double = 1) {
        let now = Clock.monotonic()
        state = Lock(State(speed: speed, real: now, shown: now))
    }

    /// Seconds of this clock per second.
    var speed: Double { state.withLock { $0.speed } }

    /// Goes on at another speed.
    func setSpeed(_ speed: Double) {
        let now = Clock.monotonic()
        state.withLock { state in
            guard state.speed != speed else { return }
            state = State(speed: speed, real: now, shown: Self.shown(state, now))
        }
    }

    func now() -> Moment {
        var moment = Clock.now()
        moment.monotonic = state.withLock { Self.shown($0, moment.monotonic) }
        return moment
    }

    private static func shown(_ state: State, _ now: Timestamp) -> Timestamp {
        if state.speed == 1 { return state.shown + (now - state.real) }
        return state.shown + Int64(min(Double(now - state.real) * state.speed, 1e15))
    }

    /// Milliseconds of this clock since a moment of ``MonotonicTime/sinceBoot()``, not below 0.
    func milliseconds(since time: Double) -> Int64 {
        Int64(min(max(0, (MonotonicTime.sinceBoot() - time) * 1000 * speed), 1e15))
    }

    /// Real seconds of a time on this clock, at least 5 ms.
    func realSeconds(milliseconds: Double) -> Double { max(0.005, milliseconds / 1000 / speed) }
}
