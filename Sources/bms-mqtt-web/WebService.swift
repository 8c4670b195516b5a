import BMSCore
import BatteryEngine
import HTTPServer
import History
import JSON
import LinuxIO
import MQTT
import MQTTBridge
import Mosquitto
import Rehearsal
import ServiceIO
import Viewer

/// The running page: a reader of the broker, a server for browsers, and the history. It publishes nothing but commands, where there is a
/// password for them.
final class WebService: Sendable {
    /// Seconds between two looks at what has changed.
    private static let tick = 1.0
    /// Seconds between two transactions of the history.
    private static let commitSeconds = 60.0
    /// Seconds for an orderly end: what stops a container kills it after ten, and the service manager waits somewhat longer.
    private static let stopSeconds = 8.0

    private let plan: WebPlan
    private let log: Log
    private let state: WebState
    private let link: MosquittoLink
    private let history: History?
    private let questions: HistoryDesk?
    private let access: PageAccess
    private let desk: CommandDesk
    /// Keeps the page at the broker where the bridge is.
    private let follower: BridgeFollower
    private let end = EventDescriptor()
    private let finished = EventDescriptor()
    private let closed = EventDescriptor()

    init(_ plan: WebPlan, _ log: Log) {
        self.plan = plan
        self.log = log
        state = WebState(base: plan.base, at: Clock.now().wall)
        var configuration = plan.link
        configuration.onRefusal = { log.warning($0) }
        let link = MosquittoLink(configuration)
        self.link = link
        follower = BridgeFollower(link, configuration, base: plan.base)
        access = PageAccess(
            password: plan.pagePassword, readsFreely: plan.readsFreely, port: plan.pagePort)
        desk = CommandDesk(base: plan.base) { link.publish($0) }
        history = plan.folder.map { folder in
            var options = HistoryOptions()
            options.mostBytes = plan.megabytes << 20
            return History(Self.file(in: folder), options)
        }
        questions = history.map {
            HistoryDesk($0, mostOfNetwork: plan.hasProxy ? HistoryDesk.mostOfNetwork * 2 : HistoryDesk.mostOfNetwork)
        }
    }

    /// The file of the history in a folder.
    static func file(in folder: String) -> String { "\(folder)/history.sqlite" }

    /// Serves until a signal ends it.
    ///
    /// - Returns: the exit code.
    func run() -> Int32 {
        let routes = Routes(state: state, history: questions, language: plan.language, access: access, desk: desk)
        let server = HTTPServer(plan.page) { routes.answer($0) }
        do throws(HTTPFault) {
            try server.start()
        } catch {
            Console.complain("\(error)")
            return 1
        }
        log.info("the page is at http://\(plan.ownHost):\(server.port)/")
        // A disk that has much to do at boot may need longer than the watchdog waits: this thread feeds it meanwhile.
        guard OwnThread.start("page", { [self] in keepTime(server) }) else { return complainOfThreads() }
        for sentence in history?.open() ?? [] { log.warning(sentence) }
        if plan.demoBegin > 0 { rehearse(from: Int64(plan.demoBegin)) }
        link.subscribe(state.subscriptions.map { Subscription($0) } + (access.takesCommands ? [desk.subscription] : []))
        let isWhole =
            link.start { [self] in take($0, server) } && OwnThread.start("history") { [self] in keepHistory() }
            && questions?.start() != false
        guard isWhole else { return complainOfThreads() }
        while Signals.wait() == .reload { log.info("SIGHUP reloads nothing here: restart the page") }
        end.set()
        follower.stop()
        link.beginStop()
        Self.wait(
            Self.stopSeconds,
            [
                { server.stop(seconds: $0) }, { self.finished.wait(seconds: $0) }, { self.closed.wait(seconds: $0) },
            ])
        link.stop()
        return 0
    }

    /// - Returns: the exit code.
    private func complainOfThreads() -> Int32 {
        log.error("cannot start all threads: raise the limit on them (ulimit -u, TasksMax= of a service)")
        return 71
    }

    /// Waits for several things, all of which have begun.
    ///
    /// - Parameters:
    ///   - seconds: the time for all of them together.
    ///   - waits: wait for one of them, so many seconds at most.
    static func wait(
        _ seconds: Double, clock: () -> Double = MonotonicTime.seconds, _ waits: [(Double) -> Bool]
    ) {
        let end = clock() + seconds
        for wait in waits { _ = wait(max(0, end - clock())) }
    }

    private func take(_ event: LinkEvent, _ server: HTTPServer) {
        let now = ReaderModel.Instant.now
        follower.take(event)
        switch event {
        case .connected(let version, _, _):
            state.connected(at: now)
            log.info("connected to \(link.broker) with \(version.rawValue)")
        case .disconnected(let failure):
            state.disconnected("\(failure)", at: now)
            log.warning("\(failure)")
        case .message(let message):
            desk.take(message)
            guard let news = state.take(message, at: now) else { return }
            record(news, at: now)
            if let (name, data) = news.event { server.send(event: name, data: data) { $0 == Routes.tag(news.battery) } }
        case .line, .refusal: break
        }
    }

    /// Fills the history with what the demo's pack would have said until now.
    private func rehearse(from begin: Int64) {
        let past = WebState(base: plan.base, at: begin)
        var rehearsal = Rehearsal.demo(begin: begin)
        let end = Clock.now().wall
        func take(_ outbox: Outbox) {
            let now = ReaderModel.Instant(monotonic: rehearsal.now.monotonic.milliseconds, wall: rehearsal.now.wall)
            for message in outbox.messages {
                if let news = past.take(message, at: now) { record(news, at: now) }
            }
        }
        take(rehearsal.bridge.connected(canExpire: true, at: rehearsal.now))
        while rehearsal.now.wall < end {
            take(rehearsal.step())
            guard rehearsal.now.wall / 1000 % 3600 == 0 else { continue }
            for sentence in history?.commit(at: Double(rehearsal.now.wall) / 1000) ?? [] { log.warning(sentence) }
        }
        for sentence in history?.commit(at: Double(end) / 1000) ?? [] { log.warning(sentence) }
    }

    private func record(_ news: WebState.News, at now: ReaderModel.Instant) {
        guard let history else { return }
        let seconds = Double(now.wall) / 1000
        switch news.kind {
        case .document("state"):
            guard !news.isRepeated else { return }
            if let sample = HistoryIntake.sample(news.view, at: seconds) { history.add(sample, of: news.battery) }
        case .document("limits"):
            for change in HistoryIntake.changes(news.limits, at: seconds) { history.add(change, of: news.battery) }
        case .document: break
        case .event(let event): history.add(HistoryIntake.event(event, at: seconds), of: news.battery)
        }
    }

    /// Tells what has changed once a second.
    private func keepTime(_ server: HTTPServer) {
        var watchdog = PageWatchdog(ServiceNotifier(), server.heartbeat)
        watchdog.step()
        while !end.wait(seconds: Self.tick) {
            let changes = state.changes(at: .now)
            for (tag, data) in changes { server.send(event: "rows", data: data) { $0 == tag } }
            for (tag, data) in state.returned(at: .now) { server.send(event: "document", data: data) { $0 == tag } }
            follower.step()
            watchdog.step()
        }
        finished.set()
    }

    /// Writes the history once a minute, on a thread of its own: what is live waits for no disk.
    private func keepHistory() {
        while !end.wait(seconds: Self.commitSeconds) {
            for sentence in history?.commit(at: Double(Clock.now().wall) / 1000) ?? [] { log.warning(sentence) }
        }
        // Data on the disk is worth more than an answer: this waits for one question at most.
        questions?.close(seconds: 1)
        for sentence in history?.close(at: Double(Clock.now().wall) / 1000) ?? [] { log.warning(sentence) }
        closed.set()
    }
}

extension WebPlan {
    /// The way to the broker.
    var link: LinkConfiguration {
        var link = LinkConfiguration(host: host, port: port, clientID: "bms-mqtt-web-\(Clock.monotonic().milliseconds)")
        link.others = others.map { BrokerAddress(host: $0.host, port: $0.port) }
        (link.username, link.password) = (username, password)
        if usesTLS { link.tls = TLSConfiguration(caFile: caFile, certificateFile: certificateFile, keyFile: keyFile) }
        link.protocolPreference = mqttVersion == "5" ? .v5 : mqttVersion == "3.1.1" ? .v311 : .automatic
        // No document is as large, not the cells of a pack of 255.
        link.maximumPacket = 65_536
        return link
    }

    /// This machine in an address of the page: by its name where the page is at all of its addresses.
    fileprivate var ownHost: String {
        if ["0.0.0.0", "::"].contains(address), let name = HostName.ofMachine { return name }
        return address.contains(":") ? "[\(address)]" : address
    }

    /// Address and bounds of the page.
    var page: HTTPOptions {
        var options = HTTPOptions()
        (options.address, options.port, options.hostNames) = (address, pagePort, Set(names.map { $0.lowercased() }))
        // Other machines know this one by its own name, which no stranger's web site has.
        if !isLocal { options.hostNames.formUnion(HostName.inNetwork(HostName.ofMachine)) }
        options.nameRemedy = "use its IP address, or start it with --name (in the add-on: web.name)"
        // A list of a thousand batteries is about 350 kB, and is told at once.
        options.streamBytes = 2 << 20
        if hasProxy {
            (options.connectionsPerAddress, options.connectionsPerNetwork) = (40, 40)
            (options.streamsPerNetwork, options.answerBytesPerNetwork) = (20, options.answerBytes / 2)
        }
        return options
    }

    /// Behind one address are probably many viewers: those of a reverse proxy.
    fileprivate var hasProxy: Bool { !names.isEmpty }
}

extension ReaderModel.Instant {
    /// The present time of both clocks.
    static var now: Self { Self(monotonic: Clock.monotonic().milliseconds, wall: Clock.now().wall) }
}
