import BMSCore
import Glibc
import LinuxIO
import MQTTBridge
import Mosquitto
import PackSimulator
import SerialLink

/// A running bridge: sources, time and broker feed one ``BridgeRuntime``, each on its own thread, until the task is cancelled.
struct Service: Sendable {
    /// Seconds for the last words of a part that may be held up by a disk or a name server.
    private static let patience = 5.0

    let plan: ServicePlan
    let log: Log
    var notifier: ServiceNotifier?

    /// Runs until cancelled, then says goodbye; takes less than two seconds for that.
    func run() async {
        let clock = PacedClock(speed: plan.speed)
        let store = plan.stateDirectory.map { StateStore(directory: $0) }
        let bridge = Bridge(
            plan.bridge, packs: plan.packs.map(\.options), banks: plan.banks.map(\.options),
            states: states(store), at: clock.now().monotonic)
        var configuration = plan.link
        configuration.will = OutgoingMessage(bridge.will)
        configuration.onRefusal = { [log] in log.warning($0) }
        let link = MosquittoLink(configuration)
        let keeper = StateKeeper(store, log: log)
        let runtime = BridgeRuntime(
            bridge, transport: MosquittoTransport(link: link, log: log), log: log, clock: clock, keeper: keeper)
        link.subscribe(
            bridge.subscriptions.map {
                Subscription($0.filter, qos: 1, noLocal: $0.excludesOwn, retainAsPublished: $0.showsRetention)
            })
        let sources = SourceLoop(plan.packs.map(\.source)) { index, event in
            take(event, pack: index, runtime)
            return true
        }
        let guards = bridge.guards.map { ($0, Self.link($0, plan.link)) }
        let heartbeat = Heartbeat()
        let reporter = ServiceReporter(
            notifier: notifier, log: log, summaries: runtime.summaries, isConnected: { link.isConnected })
        let time = ClockThread(runtime, clock, simulatedPacks(), reporter, heartbeat)
        log.info("bridging \(plan.summary) to \(plan.link)")
        var hasThreads = keeper.start(runtime) && link.start { take($0, runtime) }
        for (relayGuard, link) in guards {
            hasThreads = link.start { take($0, relayGuard, runtime) } && hasThreads
        }
        hasThreads = sources.start() && time.start() && hasThreads
        let watchdog = WatchdogThread(chain(link, sources, guards, clock: heartbeat), notifier, log)
        defer { watchdog?.stop() }
        if hasThreads { await Self.untilCancelled() }
        sources.stop()
        runtime.end()
        link.stop(farewell: bridge.farewell.map(OutgoingMessage.init))
        for (_, link) in guards { link.beginStop() }
        for (_, link) in guards { link.stop() }
        time.stop(seconds: Self.patience)
        // A service that follows opens the same ports.
        sources.waitForEnd(seconds: Self.patience)
        keeper.finish(seconds: Self.patience)
        guard hasThreads else {
            // Limping on would look like a bridge that works.
            log.error("the system gives no more threads: stopped")
            exit(EX_OSERR)
        }
    }

    /// The connection that opens a relay when this program dies. One connection carries one will.
    private static func link(_ relayGuard: RelayGuard, _ configuration: LinkConfiguration) -> MosquittoLink {
        var configuration = configuration
        configuration.clientID += "-\(relayGuard.packID)-\(relayGuard.relay)"
        configuration.will = OutgoingMessage(relayGuard.will)
        return MosquittoLink(configuration)
    }

    private func states(_ store: StateStore?) -> [String: PackState] {
        var states: [String: PackState] = [:]
        for pack in plan.packs {
            let id = pack.options.id
            states[id] = store?.load(id, wall: Clock.now().wall) { log.warning("pack \(id): \($0)") }
        }
        return states
    }

    /// Returns when this task is cancelled.
    static func untilCancelled() async {
        // No sleep: its timer wakes the process each second.
        let (never, _) = AsyncStream.makeStream(of: Never.self)
        for await _ in never {}
    }

    private func take(_ event: LinkEvent, _ runtime: BridgeRuntime) {
        switch event {
        case .connected(let version, let note):
            log.info("connected to \(plan.link) with \(version.rawValue)")
            if let note { log.warning("\(plan.link) speaks \(version.rawValue) only: \(note)") }
            runtime.connected(canExpire: version == .v5)
        case .disconnected(let failure):
            runtime.disconnected()
            log.warning("\(failure); next attempt in \(Int(failure.retryIn.rounded(.up))) s")
        case .message(let message): runtime.message(message)
        }
    }

    private func take(_ event: LinkEvent, _ relayGuard: RelayGuard, _ runtime: BridgeRuntime) {
        switch event {
        case .connected: runtime.guardChanged(relayGuard, isUp: true)
        case .disconnected(let failure):
            runtime.guardChanged(relayGuard, isUp: false)
            log.warning(
                "pack \(relayGuard.packID): relay \(relayGuard.relay) stays open without a connection of its own: \(failure)"
            )
        case .message: break
        }
    }

    private func take(_ event: SourceEvent, pack: Int, _ runtime: BridgeRuntime) {
        if case .bytes(let bytes) = event { return runtime.receive(bytes, pack: pack) }
        let id = plan.packs[pack].options.id
        switch event {
        case .bytes: break
        case .opened(let name):
            log.info("pack \(id): reading \(name)")
            runtime.sourceChanged(pack: pack, isOpen: true)
        case .closed(let error, let seconds):
            runtime.sourceChanged(pack: pack, isOpen: false)
            log.warning("pack \(id): \(error); next attempt in \(Int(seconds.rounded(.up))) s")
        case .complaint(let error): log.warning("pack \(id): \(error)")
        case .ended: log.info("pack \(id): the recording is at its end")
        }
    }

    private func simulatedPacks() -> [SimulatedPack] {
        plan.packs.enumerated().compactMap { index, pack in
            guard case .simulator(let name) = pack.source, let scenario = Scenario(rawValue: name) else { return nil }
            log.info("pack \(pack.options.id): simulating '\(scenario.rawValue)': \(scenario.summary)")
            return SimulatedPack(
                index,
                Simulator(
                    scenario: scenario, cells: pack.simulation.cells,
                    revision: pack.options.tracker.generation == .two ? .generation2 : .generation3Rev13,
                    seed: pack.simulation.seed))
        }
    }
}
