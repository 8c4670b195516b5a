import BMSCore
import ChargeLimits
import MQTTBridge

/// The one place where bytes, time and the broker's news meet the pure ``Bridge``: an actor, so that they come one after
/// the other, and so that a limit is sent by the same step that computed it.
actor BridgeRuntime {
    private var bridge: Bridge
    private let transport: any Transport
    private let log: Log
    private let clock: PacedClock

    init(_ bridge: Bridge, transport: any Transport, log: Log, clock: PacedClock) {
        self.bridge = bridge
        self.transport = transport
        self.log = log
        self.clock = clock
    }

    func receive(_ bytes: [UInt8], pack: Int) { deliver(bridge.receive(bytes, pack: pack, at: clock.now())) }

    func sourceChanged(pack: Int) { bridge.sourceChanged(pack: pack) }

    func tick() { deliver(bridge.tick(at: clock.now())) }

    func connected(canExpire: Bool) { deliver(bridge.connected(canExpire: canExpire, at: clock.now())) }

    func disconnected() { bridge.disconnected() }

    func message(topic: String, payload: [UInt8], isRetained: Bool) {
        deliver(bridge.message(topic: topic, payload: payload, isRetained: isRetained, at: clock.now()))
    }

    func limits(ofPack index: Int) -> Limits? { bridge.limits(ofPack: index) }

    /// What was learned of each pack, with the wall's time.
    func memories() -> (packs: [String: LimitMemory], wall: Int64) {
        let now = clock.now()
        return (bridge.memories(at: now.monotonic), now.wall)
    }

    private func deliver(_ outbox: Outbox) {
        for message in outbox.messages { transport.publish(message) }
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
