import BMSCore
import PackSimulator
import ChargeLimits
import Glibc
import LinuxIO
import BatteryEngine
import MQTTBridge
import Mosquitto
import SerialLink
import ServiceIO

/// `bms-mqtt demo`: a simulated pack through the real bridge and a real broker, with the live view of `monitor`.
struct DemoCommand: Sendable {
    var scenario: Scenario
    var cells = 16
    /// Simulated seconds per second; `nil`: as each scene is best watched.
    var speed: Double?
    var seed: UInt64 = 1
    /// A running broker; `nil`: the demo starts its own.
    var broker: (host: String, port: Int)?
    var version: String

    private static let pack = "demo"
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
                own = try BrokerProcess.start()
            } catch {
                Console.complain(error.text)
                return 1
            }
        }
        defer { own?.stop() }
        let host = broker?.host ?? "127.0.0.1"
        let port = broker?.port ?? own?.port ?? 1883
        let topics = "the topics: mosquitto_sub -h \(host) -p \(port) -v -t 'bms/#'"
        if !Terminal.isPresent { Console.write("simulated time; Ctrl-C ends the demo; \(topics)\n") }
        let stage = Stage()
        var monitor = MonitorCommand(
            link: LinkConfiguration(host: host, port: port, clientID: "bms-mqtt-demo-view-\(port)"), base: "bms",
            pack: Self.pack, footer: ["Ctrl-C ends the demo; \(topics)"], judgesTime: false)
        monitor.header = { stage.now }
        monitor.memory = 60
        let service = RunningService(plan(host, port, stage), Log(threshold: Terminal.isPresent ? .error : .info))
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

    private func plan(_ host: String, _ port: Int, _ stage: Stage) -> ServicePlan {
        var options = PackOptions(id: Self.pack, name: "Demo battery")
        options.limits.fuse = Milliamperes(200_000)
        var bridge = BridgeOptions()
        bridge.version = version
        var simulation = ServicePlan.Simulation(cells: cells, seed: seed)
        simulation.watch = { [self] simulator in
            let speed = speed ?? simulator.scene?.speed ?? Self.usualSpeed
            stage.show(header(simulator, speed: speed))
            return speed
        }
        return ServicePlan(
            link: LinkConfiguration(host: host, port: port, clientID: "bms-mqtt-demo-\(port)"), bridge: bridge,
            packs: [
                ServicePlan.Pack(
                    options: options, source: .simulator(scenario: scenario.rawValue), simulation: simulation)
            ], speed: speed ?? Self.usualSpeed)
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
            .seconds, .seed,
        ],
        details: """
            Needs no hardware. Starts mosquitto on a free loopback port, simulates a pack, bridges it, and shows the topics. The tour has
            eight scenes in three minutes, with a clock and a sentence about what happens and why. Without a terminal it prints a line a
            second. Ctrl-C ends the demo and its broker.
            """, examples: ["bms-mqtt demo", "bms-mqtt demo --scenario imbalanced --speed 60"],
        work: .waiting(start))

    private static func start(_ arguments: Arguments) async throws(CommandFailure) -> Int32 {
        var command = DemoCommand(scenario: arguments.scenario(.tour), version: Version.number)
        command.cells = arguments.whole("--cells") ?? 16
        command.speed = arguments.decimal("--speed")
        command.seed = arguments.seed
        command.broker = try arguments.broker()
        return await command.run()
    }
}
