import BMSCore
import ChargeLimits
import MQTTBridge
import Mosquitto
import PackSimulator
import SerialLink

/// A running bridge: sources, time and broker feed one ``BridgeRuntime`` until the task is cancelled.
struct Service: Sendable {
    /// Silence must lower limits within a second; a tick costs a few microseconds.
    private static let tickMilliseconds = 500.0
    /// What is learned in between may be lost to a power cut.
    private static let saveMinutes = 30

    let plan: ServicePlan
    let log: Log

    /// Runs until cancelled, then says goodbye; takes less than two seconds for that.
    func run() async {
        let clock = PacedClock(speed: plan.speed)
        let store = plan.stateDirectory.map { StateStore(directory: $0) }
        let bridge = Bridge(
            plan.bridge, packs: plan.packs.map(\.options), states: states(store), at: clock.now().monotonic)
        var configuration = plan.link
        configuration.will = OutgoingMessage(bridge.will)
        let link = MosquittoLink(configuration)
        let runtime = BridgeRuntime(
            bridge, transport: MosquittoTransport(link: link, log: log), log: log, clock: clock, store: store)
        link.subscribe(bridge.subscriptions.map { Subscription($0.filter, qos: 1, noLocal: $0.excludesOwn) })
        let sources = plan.packs.map { ByteSource($0.source) }
        log.info(
            "bridging \(plan.packs.map { "\($0.options.id) from \($0.source)" }.joined(separator: ", ")) to \(plan.link)"
        )
        link.start()
        let guards = bridge.guards.map { ($0, Self.link($0, plan.link)) }
        for (_, link) in guards { link.start() }
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await follow(link, runtime) }
            group.addTask { await keepTime(runtime, clock) }
            for (relayGuard, link) in guards {
                group.addTask {
                    for await event in link.events {
                        switch event {
                        case .connected: await runtime.guardChanged(relayGuard, isUp: true)
                        case .disconnected(let failure):
                            await runtime.guardChanged(relayGuard, isUp: false)
                            log.warning(
                                "pack \(relayGuard.packID): relay \(relayGuard.relay) stays open without a connection of its own: \(failure)"
                            )
                        case .message: break
                        }
                    }
                }
            }
            if store != nil { group.addTask { await keepStates(runtime) } }
            for (index, source) in sources.enumerated() {
                if let source {
                    source.start()
                    group.addTask { await follow(source, pack: index, runtime) }
                } else {
                    group.addTask { await simulate(pack: index, runtime, clock) }
                }
            }
            await Self.untilCancelled()
            group.cancelAll()
            for source in sources { source?.stop() }
            link.stop(farewell: bridge.farewell.map(OutgoingMessage.init))
            for (_, link) in guards { link.beginStop() }
            for (_, link) in guards { link.stop() }
        }
        if store != nil { await runtime.save() }
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

    private func keepStates(_ runtime: BridgeRuntime) async {
        while !Task.isCancelled {
            guard (try? await Task.sleep(for: .seconds(60 * Self.saveMinutes))) != nil else { return }
            await runtime.save()
        }
    }

    /// Returns when this task is cancelled.
    static func untilCancelled() async {
        while !Task.isCancelled { try? await Task.sleep(for: .seconds(3600)) }
    }

    private func follow(_ link: MosquittoLink, _ runtime: BridgeRuntime) async {
        for await event in link.events {
            switch event {
            case .connected(let version, let note):
                log.info("connected to \(plan.link) with \(version.rawValue)")
                if let note { log.warning("\(plan.link) speaks \(version.rawValue) only: \(note)") }
                await runtime.connected(canExpire: version == .v5)
            case .disconnected(let failure):
                await runtime.disconnected()
                log.warning("\(failure); next attempt in \(Int(failure.retryIn.rounded(.up))) s")
            case .message(let message):
                await runtime.message(message)
            }
        }
    }

    private func follow(_ source: ByteSource, pack: Int, _ runtime: BridgeRuntime) async {
        let id = plan.packs[pack].options.id
        for await event in source.events {
            switch event {
            case .opened(let name):
                log.info("pack \(id): reading \(name)")
                await runtime.sourceChanged(pack: pack)
            case .bytes(let bytes): await runtime.receive(bytes, pack: pack)
            case .closed(let error, let seconds):
                await runtime.sourceChanged(pack: pack)
                log.warning("pack \(id): \(error); next attempt in \(Int(seconds.rounded(.up))) s")
            case .complaint(let error): log.warning("pack \(id): \(error)")
            case .ended: log.info("pack \(id): the recording is at its end")
            }
        }
    }

    private func keepTime(_ runtime: BridgeRuntime, _ clock: PacedClock) async {
        while !Task.isCancelled {
            try? await Task.sleep(for: clock.real(milliseconds: Self.tickMilliseconds), tolerance: .milliseconds(50))
            await runtime.tick()
        }
    }

    /// A simulated pack obeys the limits that the bridge gives it, as a charger and an inverter would.
    private func simulate(pack index: Int, _ runtime: BridgeRuntime, _ clock: PacedClock) async {
        let pack = plan.packs[index]
        guard case .simulator(let name) = pack.source, let scenario = Scenario(rawValue: name) else { return }
        var simulator = Simulator(
            scenario: scenario, cells: pack.simulation.cells,
            revision: pack.options.tracker.generation == .two ? .generation2 : .generation3Rev13,
            seed: pack.simulation.seed)
        log.info("pack \(pack.options.id): simulating '\(scenario.rawValue)': \(scenario.summary)")
        // A second of the paced clock each, on a grid: a late step is made up for, not added.
        var next = ContinuousClock.now
        while !Task.isCancelled {
            let limits = await runtime.limits(ofPack: index)
            let given = GivenLimits(cvl: limits?.cvl, ccl: limits?.ccl, dcl: limits?.dcl)
            if let frame = simulator.step(limits: given) { await runtime.receive(frame, pack: index) }
            next = max(next + clock.real(milliseconds: 1000), ContinuousClock.now - .milliseconds(200))
            try? await Task.sleep(until: next, tolerance: .zero)
        }
    }
}
