import BMSCore
import ChargeLimits
import MQTTBridge
import Mosquitto

/// The one place where bytes, time and the broker's news meet the pure ``Bridge``: an actor, so that they come one after
/// the other, and so that a limit is sent by the same step that computed it.
actor BridgeRuntime {
    private var bridge: Bridge
    private let transport: any Transport
    private let log: Log
    private let clock: PacedClock
    private let store: StateStore?

    init(_ bridge: Bridge, transport: any Transport, log: Log, clock: PacedClock, store: StateStore?) {
        self.bridge = bridge
        self.transport = transport
        self.log = log
        self.clock = clock
        self.store = store
    }

    func receive(_ bytes: [UInt8], pack: Int) { deliver(bridge.receive(bytes, pack: pack, at: clock.now())) }

    func sourceChanged(pack: Int) { bridge.sourceChanged(pack: pack) }

    func tick() { deliver(bridge.tick(at: clock.now())) }

    func connected(canExpire: Bool) { deliver(bridge.connected(canExpire: canExpire, at: clock.now())) }

    func disconnected() { bridge.disconnected() }

    func guardChanged(_ relayGuard: RelayGuard, isUp: Bool) {
        deliver(bridge.guardChanged(relayGuard, isUp: isUp, at: clock.now()))
    }

    func message(_ message: IncomingMessage) {
        deliver(
            bridge.message(
                topic: message.topic, payload: message.payload, isRetained: message.retain,
                responseTopic: message.responseTopic, correlationData: message.correlationData, at: clock.now()))
    }

    func limits(ofPack index: Int) -> Limits? { bridge.limits(ofPack: index) }

    /// Keeps the state of every pack.
    func save() {
        for id in bridge.states(at: clock.now().monotonic).keys.sorted() { _ = save(id) }
    }

    /// Keeps the state of a pack.
    ///
    /// - Returns: why it could not be kept; `nil`: it was.
    private func save(_ id: String) -> String? {
        guard let store else { return "there is no state directory" }
        let now = clock.now()
        guard let state = bridge.states(at: now.monotonic)[id] else { return nil }
        guard let failure = store.save(state, id, wall: now.wall) else { return nil }
        log.warning("pack \(id): \(failure): settings and what is learned will be lost with a restart")
        return failure
    }

    private func deliver(_ outbox: Outbox) {
        // Limits do not wait for the disk; the answer does, for it says whether the change is kept.
        for message in outbox.messages { transport.publish(message) }
        var failures: [String] = []
        for id in outbox.saves.sorted() { failures += save(id).map { [$0] } ?? [] }
        for answer in outbox.answers {
            for message in answer.messages(failure: failures.first) { transport.publish(message) }
        }
        for notice in outbox.notices {
            switch notice.level {
            case .info: log.info(notice.text)
            case .warning: log.warning(notice.text)
            }
        }
    }
}

/// The clock of a bridge: the machine's, or for a simulated pack one that runs faster, so that filters, ramps and
/// staleness fit the pack's own time.
struct PacedClock: Sendable {
    let speed: Double
    private let start = Clock.monotonic()

    init(speed: Double = 1) { self.speed = speed }

    func now() -> Moment {
        var moment = Clock.now()
        if speed != 1 {
            let elapsed = Double(moment.monotonic - start) * speed
            moment.monotonic = start + Int64(min(elapsed, 1e15))
        }
        return moment
    }

    /// Real time for a stretch of the paced one, at least 5 ms.
    func real(milliseconds: Double) -> Duration { .microseconds(Int64(max(5_000, milliseconds * 1000 / speed))) }
}
