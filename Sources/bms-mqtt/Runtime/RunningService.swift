import BMSCore
import CANBus
import SmartBMS
import Glibc
import LinuxIO
import BatteryEngine
import MQTTBridge
import Mosquitto
import PackSimulator
import SerialLink
import ServiceIO

/// A running bridge: sources, time and broker feed one ``BridgeRuntime``, each on its own thread, until ``stop()``.
struct RunningService {
    /// Longest wait for the end of a part that a disk or a name server may hold up, seconds.
    private static let patience = 5.0
    /// Seconds for answers that wait for the disk.
    private static let answerPatience = 0.5

    /// All threads have started. A service without some of them must be stopped at once.
    let isWhole: Bool
    private let plan: ServicePlan
    private let clock: PacedClock
    private let runtime: BridgeRuntime
    private let link: MosquittoLink
    private let guards: [(RelayGuard, MosquittoLink)]
    private let sources: SourceLoop
    private let time: ClockThread
    private let writer: StateWriter
    private let buses: [CANBusLink]
    private let watchdog: WatchdogThread

    /// State that a service hands over to the service that follows.
    struct Legacy: Sendable {
        fileprivate let bridge: Bridge
        fileprivate let clock: PacedClock
        fileprivate let plan: ServicePlan

        /// Ids of the packs of another plan that keep their source. A simulation or a recording starts again.
        func sameSources(_ other: ServicePlan) -> Set<String> {
            let same = other.packs.filter { pack in
                switch pack.source {
                case .simulator, .replay: false
                case .serial, .serialAuto, .tcp:
                    plan.packs.contains { $0.options.id == pack.options.id && $0.source == pack.source }
                }
            }
            return Set(same.map(\.options.id))
        }
    }

    /// Starts everything.
    ///
    /// - Parameter legacy: state of the service before; `nil`: there was none, and the kept state is read from the disk.
    init(_ plan: ServicePlan, _ log: Log, _ notifier: ServiceNotifier? = nil, legacy: Legacy? = nil) {
        // A clock of another speed shows another time, so that only the state on the disk can be used.
        let legacy = legacy?.plan.speed == plan.speed ? legacy : nil
        let clock = legacy?.clock ?? PacedClock(speed: plan.speed)
        let store = plan.stateDirectory.map { StateStore(directory: $0) }
        let events = ServiceEvents(plan: plan, log: log)
        let now = clock.now()
        let known = legacy?.bridge.states(at: now.monotonic) ?? [:]
        let announced = store?.loadAnnounced(plan.link.clientID) { log.warning($0) } ?? [:]
        let departed = plan.departed(of: announced)
        let all = departed.merging(plan.served.map { ($0, []) }) { _, served in served }
        var bridge = Bridge(
            plan.bridge, packs: plan.packs.map(\.bridged), banks: plan.banks.map(\.options),
            states: Self.states(store, plan, known, log),
            // The totals of banks are handed over in memory, too.
            bankStates: Self.bankStates(store, plan, log)
                .merging(legacy?.bridge.bankStates(isEnding: true) ?? [:]) { _, known in known },
            departed: departed, at: now.monotonic)
        if let legacy { bridge.resume(from: legacy.bridge, sameSources: legacy.sameSources(plan), at: now) }
        // The bridge is asked for its will and subscriptions before the runtime gets it.
        let guards = bridge.guards.map { ($0, Self.link($0, plan.link)) }
        var configuration = plan.link
        configuration.will = bridge.will
        configuration.maximumPacket = Bridge.largestMessage
        configuration.onRefusal = { log.warning($0) }
        let link = MosquittoLink(configuration)
        link.subscribe(bridge.subscriptions)
        let writer = StateWriter(
            store, announced: all, isKept: all == announced, owner: plan.link.clientID, log: log)
        let buses = events.buses()
        let runtime = BridgeRuntime(
            bridge, link: link, log: log, clock: clock, writer: writer,
            buses: Dictionary(grouping: buses, by: \.battery).mapValues { $0.map(\.link) })
        let sources = SourceLoop(plan.packs.map(\.source), options: plan.reading) { index, event in
            events.take(event, pack: index, runtime)
            return true
        }
        let heartbeat = Heartbeat()
        let reporter = ServiceReporter(
            notifier: notifier, log: log, summaries: runtime.summaries, isConnected: { link.isConnected })
        let links = guards.map(\.1)
        let places = GuardPlaces(guards.map(\.0), tell: runtime.guardChanged) { index, place in
            // One broker needs no choice.
            if !plan.link.others.isEmpty { links[index].steer(to: place) }
        } sendWill: { index in
            links[index].sendWill()
        }
        let time = ClockThread(runtime, clock, events.simulatedPacks(), reporter, heartbeat, places)
        log.info("bridging \(plan.summary) to \(plan.link) by \(MosquittoLibrary.text)")
        if !MosquittoLibrary.hasBounds {
            log.warning(
                "this build uses the system's libmosquitto: with one packet a hostile broker can end this program or fill its memory: "
                    + "use the package, or build with scripts/set-up (SECURITY.md)")
        }
        var isWhole = writer.start(runtime) && link.start { events.take($0, runtime, places) }
        for (relayGuard, link) in guards {
            isWhole = link.start { events.take($0, relayGuard, places) } && isWhole
        }
        for (battery, bus) in buses {
            isWhole = bus.start { events.take($0, $1, battery: battery, runtime) } && isWhole
        }
        isWhole = sources.start() && time.start() && isWhole
        watchdog = WatchdogThread(Self.chain(link, sources, guards, clock: heartbeat), notifier, log)
        self.isWhole = isWhole
        self.plan = plan
        self.clock = clock
        self.runtime = runtime
        self.link = link
        self.guards = guards
        self.sources = sources
        self.time = time
        self.writer = writer
        self.buses = buses.map(\.link)
    }

    /// Publishes the last messages and ends all threads, in less than two seconds unless the disk or a name server holds it up.
    ///
    /// - Parameter keepsTree: the service that follows at once goes on with the GX tree.
    /// - Returns: the state for a service that follows.
    @discardableResult
    func stop(keepsTree: Bool = false) -> Legacy {
        defer { watchdog.stop() }
        // An inverter that hears nothing is safe.
        for bus in buses { bus.beginStop() }
        sources.stop()
        writer.sendAnswers(seconds: Self.answerPatience)
        link.stop(farewell: runtime.end(keepsTree: keepsTree))
        // The farewell opens the relays, too, but the bridge may have no connection to send it on.
        for (_, link) in guards { link.beginStopWithWill() }
        for (_, link) in guards { link.stop() }
        time.stop(seconds: Self.patience)
        // A service that follows opens the same ports.
        sources.waitForEnd(seconds: Self.patience)
        for bus in buses { bus.stop(seconds: Self.patience) }
        writer.finish(seconds: Self.patience)
        return Legacy(bridge: runtime.bridge, clock: clock, plan: plan)
    }

    /// The connection that opens a relay when this program dies. One connection carries one will.
    private static func link(_ relayGuard: RelayGuard, _ configuration: LinkConfiguration) -> MosquittoLink {
        var configuration = configuration
        configuration.clientID += "-\(relayGuard.packID)-\(relayGuard.relay)"
        configuration.will = relayGuard.will
        return MosquittoLink(configuration)
    }

    /// The states of all packs.
    ///
    /// - Parameter known: states of packs that are newer than those on the disk.
    private static func states(
        _ store: StateStore?, _ plan: ServicePlan, _ known: [String: PackState], _ log: Log
    ) -> [String: PackState] {
        var states = known
        for pack in plan.packs where known[pack.options.id] == nil {
            let id = pack.options.id
            states[id] = store?.load(id, at: .now()) { log.warning("pack \(id): \($0)") }
        }
        return states
    }

    private static func bankStates(_ store: StateStore?, _ plan: ServicePlan, _ log: Log) -> [String: BankState] {
        var states: [String: BankState] = [:]
        for bank in plan.banks {
            let id = bank.options.id
            states[id] = store?.loadBank(id) { log.warning("bank \(id): \($0)") }
        }
        return states
    }
}

/// Passes the events of sources and broker to the runtime and to the log.
private struct ServiceEvents: Sendable {
    let plan: ServicePlan
    let log: Log

    func take(_ event: LinkEvent, _ runtime: BridgeRuntime, _ places: GuardPlaces) {
        switch event {
        case .connected(let version, let note, let place):
            let broker = plan.link.only(plan.link.brokers[place])
            log.info("connected to \(broker) with \(version.rawValue)\(place == 0 ? "" : ", the next in the list")")
            if let note { log.warning("\(broker) \(note)") }
            places.bridgeConnected(at: place)
            runtime.connected(canExpire: version == .v5, broker: place)
        case .disconnected(let failure):
            runtime.disconnected(isOfSize: failure.isOfSize)
            places.bridgeDisconnected(at: MonotonicTime.seconds())
            log.warning("\(failure); \(failure.outlook)")
        case .line(let takesLarge):
            runtime.lineChanged(takesLarge: takesLarge)
            if !takesLarge {
                log.warning(
                    "the broker acknowledges messages slowly (after 3 s, or after 1 s for a minute): the link is too slow for what is "
                        + "sent. Limits go first, each topic sends its newest document only, and announcements for Home Assistant "
                        + "wait; use a faster link, or publish.economy: low")
            }
        case .message(let message): runtime.receive(message)
        case .refusal(let topic, let isOver, let isOfSize):
            runtime.refusalChanged(topic, isOver: isOver, isOfSize: isOfSize)
        }
    }

    func take(_ event: LinkEvent, _ relayGuard: RelayGuard, _ places: GuardPlaces) {
        switch event {
        case .connected(_, _, let place): places.guardConnected(relayGuard, at: place)
        case .disconnected(let failure):
            places.guardDisconnected(relayGuard)
            log.warning(
                "pack \(relayGuard.packID): relay \(relayGuard.relay) stays open without a connection of its own: \(failure)"
            )
        case .message, .line, .refusal: break
        }
    }

    func take(_ event: SourceEvent, pack: Int, _ runtime: BridgeRuntime) {
        if case .bytes(let bytes, let time) = event { return runtime.receive(bytes, arrivedAt: time, pack: pack) }
        let id = plan.packs[pack].options.id
        switch event {
        case .bytes: break
        case .dropped(let seconds):
            runtime.sourceChanged(pack: pack, .dropped)
            log.info(
                "pack \(id): this program was held up for \(Int(seconds)) s (suspended, stopped or overloaded): the bytes that waited "
                    + "were thrown away, because their age is unknown")
        case .opened(let name):
            log.info("pack \(id): reading \(name)")
            runtime.sourceChanged(pack: pack, .opened)
        case .closed(let error, let seconds):
            runtime.sourceChanged(pack: pack, .closed)
            log.warning("pack \(id): \(error); next attempt in \(Int(seconds.rounded(.up))) s")
        case .complaint(let error): log.warning("pack \(id): \(error)")
        case .ended: log.info("pack \(id): the recording has ended")
        }
    }

    func take(_ figures: BusFigures, _ notices: [Notice], battery: Int, _ runtime: BridgeRuntime) {
        runtime.busChanged(figures, battery: battery)
        for notice in notices { log.take(notice) }
    }

    /// The buses of the plan, each with the place of its battery.
    func buses() -> [(battery: Int, link: CANBusLink)] {
        let packs = plan.packs.map(\.options.identity)
        let batteries = packs + plan.banks.map(\.options.identity)
        return plan.buses.compactMap { bus in
            guard let place = batteries.firstIndex(where: { $0.id == bus.battery }) else { return nil }
            return (place, CANBusLink(bus.address, bus.kind, battery: batteries[place].title))
        }
    }

    func simulatedPacks() -> [SimulatedPack] {
        plan.packs.enumerated().compactMap { index, pack in
            guard case .simulator(let name) = pack.source, let scenario = Scenario(rawValue: name) else { return nil }
            log.info("pack \(pack.options.id): simulating '\(scenario.rawValue)': \(scenario.summary)")
            let simulation = pack.simulation
            let simulator =
                simulation.begun
                ?? Simulator(
                    scenario: scenario, cells: simulation.cells,
                    revision: pack.options.decoding.generation == .two ? .generation2 : .generation3Rev13,
                    seed: simulation.seed)
            return SimulatedPack(index, simulator, simulation.watch)
        }
    }
}
