import BMSCore
import PackSimulator
import ChargeLimits
import Glibc
import BatteryEngine
import MQTTBridge
import Mosquitto
import SerialLink

/// `bms-mqtt demo`: a simulated pack through the real bridge and a real broker, with the live view of `monitor`.
struct DemoCommand: Sendable {
    var scenario: String
    var cells = 16
    var speed = 1.0
    var seed: UInt64 = 1
    /// A running broker; `nil`: the demo starts its own.
    var broker: (host: String, port: Int)?
    var version: String

    private static let pack = "demo"

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
        let footer = [
            "scenario '\(scenario)', \(cells) cells, time x\(MonitorScreen.plain(speed)); Ctrl-C ends the demo",
            "look at the topics:  mosquitto_sub -h \(host) -p \(port) -v -t 'bms/#'",
        ]
        if !Terminal.isPresent { for line in footer { Console.write(line + "\n") } }
        let monitor = MonitorCommand(
            link: LinkConfiguration(host: host, port: port, clientID: "bms-mqtt-demo-view-\(port)"), base: "bms",
            pack: Self.pack, footer: footer, judgesTime: false)
        let service = RunningService(plan(host, port), Log(threshold: Terminal.isPresent ? .error : .info))
        defer { service.stop() }
        guard service.isWhole else {
            Console.complain("cannot start all threads: raise the limit on them (ulimit -u, TasksMax= of a service)")
            return EX_OSERR
        }
        return await monitor.run()
    }

    private func plan(_ host: String, _ port: Int) -> ServicePlan {
        var options = PackOptions(id: Self.pack, name: "Demo battery")
        options.limits.fuse = Milliamperes(200_000)
        var bridge = BridgeOptions()
        bridge.version = version
        return ServicePlan(
            link: LinkConfiguration(host: host, port: port, clientID: "bms-mqtt-demo-\(port)"), bridge: bridge,
            packs: [
                ServicePlan.Pack(
                    options: options, source: .simulator(scenario: scenario),
                    simulation: ServicePlan.Simulation(cells: cells, seed: seed))
            ], speed: speed)
    }
}

extension DemoCommand {
    static let row = CommandRow(
        name: "demo", summary: "a simulated pack, its own broker, a live view",
        options: [
            .cells, .scenario,
            OptionRow(
                name: "--speed", kind: .decimal("X", 0.1...1000),
                meaning: "simulated seconds per second (default: 20)"),
            OptionRow(
                name: "--broker", kind: .text("HOST[:PORT]"), meaning: "use this broker instead of starting mosquitto"
            ),
            .seconds, .seed,
        ],
        details: """
            Needs no hardware. Starts mosquitto on a free loopback port, simulates a pack, bridges it, and shows the topics.
            Without a terminal it prints a line a second. Ctrl-C ends the demo and its broker.
            """, examples: ["bms-mqtt demo", "bms-mqtt demo --scenario imbalanced --speed 60"],
        work: .waiting(start))

    private static func start(_ arguments: Arguments) async throws(CommandFailure) -> Int32 {
        var command = DemoCommand(scenario: arguments.scenario.rawValue, version: Version.number)
        command.cells = arguments.whole("--cells") ?? 16
        command.speed = arguments.decimal("--speed") ?? 20
        command.seed = arguments.seed
        command.broker = try arguments.broker()
        return await command.run()
    }
}
