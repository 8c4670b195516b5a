import BMSCore
import PackSimulator
import Rehearsal
import ChargeLimits
import Glibc
import LinuxIO
import BatteryEngine
import MQTTBridge
import Mosquitto
import SerialLink
import ServiceIO
import Viewer

/// `bms-mqtt demo`: a simulated pack through the real bridge and a real broker, with the live view of `monitor`.
struct DemoCommand: Sendable {
    var scenario: Scenario
    var cells = 16
    /// Simulated seconds per second; `nil`: as each scene is best watched.
    var speed: Double?
    var seed: UInt64 = 1
    /// A running broker; `nil`: the demo starts its own.
    var broker: (host: String, port: Int)?
    /// The page in the browser, too, after a day of simulated history.
    var hasPage = false
    var version: String

    private static var pack: String { Rehearsal.demoPack.id }
    /// Speed of scenarios that are no tour.
    private static let usualSpeed = 60.0

    /// The newest state of the simulation, for the screen.
    private final class Stage: Sendable {
        private let lines = Lock([String]())

        var now: [String] { lines.withLock { $0 } }

        func show(_ new: [String]) { lines.withLock { $0 = new } }
    }

    func run() async -> Int32 {
        var own: BrokerProcess?
        if broker == nil {
            do throws(StartFailure) {
                own = try BrokerProcess()
            } catch {
                Console.complain(error.text)
                return 1
            }
        }
        defer { own?.stop() }
        let host = broker?.host ?? "127.0.0.1"
        let port = broker?.port ?? own?.port ?? 1883
        var page: (process: CompanionProcess, port: Int, simulator: Simulator)?
        if hasPage {
            do throws(StartFailure) {
                page = try servePage(host, port)
            } catch {
                Console.complain(error.text)
                return 1
            }
        }
        defer { page?.process.stop() }
        let topics = "the topics: mosquitto_sub -h \(host) -p \(port) -v -t 'bms/#'"
        let address = page.map { "the page: http://127.0.0.1:\($0.port)/" }
        if !Terminal.isPresent {
            Console.write("\(address ?? "simulated time"); Ctrl-C ends the demo; \(topics)\n")
        }
        let stage = Stage()
        var monitor = MonitorCommand(
            link: LinkConfiguration(host: host, port: port, clientID: "bms-mqtt-demo-view-\(port)"), base: "bms",
            pack: Self.pack, footer: ["Ctrl-C ends the demo; \(topics)"], judgesTime: hasPage)
        monitor.header = { (address.map { [$0] } ?? []) + stage.now }
        monitor.memory = 60
        let service = RunningService(
            plan(host, port, stage, begun: page?.simulator), Log(threshold: Terminal.isPresent ? .error : .info))
        guard service.isWhole else {
            service.stop()
            Console.complain("cannot start all threads: raise the limit on them (ulimit -u, TasksMax= of a service)")
            return EX_OSERR
        }
        let code = await monitor.run()
        service.stop()
        if Terminal.isPresent { Console.write(Self.farewell) }
        return code
    }

    private static let farewell = """
        That was bms-mqtt with a simulated pack. To go on:
          bms-mqtt demo --scenario imbalanced    one scenario alone: \(Scenario.allCases.map(\.rawValue).joined(separator: ", "))
          bms-mqtt setup                         writes a configuration for your own pack
          bms-mqtt doctor                        checks cable, broker and configuration
        README.md says how to install it as a service, and docs/ has the rest.

        """

    /// The lines above the screen: clock, scene, what happens and why.
    private func header(_ simulator: Simulator, speed: Double) -> [String] {
        let minutes = simulator.secondOfDay / 60
        let clock = "\(minutes / 60 < 10 ? "0" : "")\(minutes / 60):\(minutes % 60 < 10 ? "0" : "")\(minutes % 60)"
        let title = simulator.scene.map(\.title) ?? scenario.rawValue
        return [
            "\(clock)  \(title)   (simulated pack, time x\(MonitorScreen.plain(speed)))",
            simulator.caption ?? scenario.summary,
        ]
    }

    /// Starts the page, and passes the pack's last day in simulated time, as the page's program does for its history.
    private func servePage(
        _ host: String, _ port: Int
    ) throws(StartFailure) -> (CompanionProcess, Int, Simulator) {
        let begin = Self.lastMorning()
        guard let pagePort = Loopback.isListening(Self.pagePort) ? Loopback.freePort() : Self.pagePort else {
            throw StartFailure(text: "no free port on 127.0.0.1: \(Console.reason(errno))")
        }
        var web = WebPlan()
        (web.host, web.port, web.pagePort, web.demoBegin) = (host, port, pagePort, Int(begin))
        guard access(WebPlan.program, X_OK) == 0 else { throw StartFailure(text: WebPlan.absence) }
        Console.complain("simulating the day before ...")
        // The folder is made with the process, and the plan names it.
        let process = try CompanionProcess(WebPlan.program) { folder throws(StartFailure) in
            web.folder = folder
            return ([], ["\(WebPlan.variable)=\(web.text)"])
        }
        var rehearsal = Rehearsal.demo(begin: begin)
        _ = rehearsal.bridge.connected(canExpire: true, at: rehearsal.now)
        while rehearsal.now.wall < Clock.now().wall { _ = rehearsal.step() }
        guard process.waitUntilListening(pagePort, seconds: 120) else {
            let words = process.lastWords.map { ": \($0)" } ?? ""
            process.stop()
            throw StartFailure(text: "the page does not answer on 127.0.0.1:\(pagePort)\(words)")
        }
        return (process, pagePort, rehearsal.simulator)
    }

    private static let pagePort = 8099

    /// Wall time of the last morning that is a day ago, at the time at which the simulated day begins, milliseconds since 1970.
    private static func lastMorning() -> Int64 {
        let now = Clock.now()
        let day: Int64 = 86_400_000
        let begin = Int64(Simulator(scenario: .day).secondOfDay) * 1000
        let today = Int64(now.minuteOfDay ?? 0) * 60_000 + now.wall % 60_000
        return now.wall - today + begin - (today < begin ? 2 : 1) * day
    }

    private func plan(_ host: String, _ port: Int, _ stage: Stage, begun: Simulator?) -> ServicePlan {
        let options = Rehearsal.demoPack
        var bridge = BridgeOptions()
        bridge.version = version
        var simulation = ServicePlan.Simulation(cells: cells, seed: seed)
        simulation.begun = begun
        simulation.watch = { [self] simulator in
            let speed = hasPage ? 1 : speed ?? simulator.scene?.speed ?? Self.usualSpeed
            stage.show(header(simulator, speed: speed))
            return speed
        }
        return ServicePlan(
            link: LinkConfiguration(host: host, port: port, clientID: "bms-mqtt-demo-\(port)"), bridge: bridge,
            packs: [
                ServicePlan.Pack(
                    options: options, source: .simulator(scenario: scenario.rawValue), simulation: simulation)
            ], speed: hasPage ? 1 : speed ?? Self.usualSpeed)
    }
}

extension DemoCommand {
    static let row = CommandRow(
        name: "demo", summary: "a simulated pack, its own broker, a live view",
        options: [
            .cells, .scenario(.tour),
            OptionRow(
                name: "--speed", kind: .decimal("X", 0.1...1000),
                meaning: "simulated seconds per second (default: as each scene of the tour is best watched, else 60)"),
            OptionRow(
                name: "--broker", kind: .text("HOST[:PORT]"), meaning: "use this broker instead of starting mosquitto"
            ),
            OptionRow(
                name: "--web", kind: .flag,
                meaning: "the page in the browser, with the simulated day before; time is real, without a tour"),
            .seconds, .seed,
        ],
        details: """
            Needs no hardware. Starts mosquitto on a free loopback port, simulates a pack, bridges it, and shows the topics. The tour has
            eight scenes in three minutes, with a clock and a sentence about what happens and why. Without a terminal it prints a line a
            second. Ctrl-C ends the demo and its broker.
            """, examples: ["bms-mqtt demo", "bms-mqtt demo --web", "bms-mqtt demo --scenario imbalanced --speed 60"],
        work: .waiting(start))

    private static func start(_ arguments: Arguments) async throws(CommandFailure) -> Int32 {
        var command = DemoCommand(scenario: arguments.scenario(.tour), version: Version.number)
        command.cells = arguments.whole("--cells") ?? 16
        command.speed = arguments.decimal("--speed")
        command.seed = arguments.seed
        command.broker = try arguments.broker()
        command.hasPage = arguments.has("--web")
        if command.hasPage {
            for option in ["--cells", "--scenario", "--speed", "--seed"] where arguments.text(option) != nil {
                throw .usage("demo: --web shows the simulated day as it is: leave out \(option)")
            }
            command.scenario = .day
        }
        return await command.run()
    }
}
