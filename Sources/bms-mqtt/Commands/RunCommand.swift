import BMSCore
import Glibc
import Mosquitto
import BatteryEngine
import MQTTBridge
import ServiceIO

/// `bms-mqtt run`: one service after the other, a new one for each reload of a valid file. The calling thread waits for signals.
struct RunCommand {
    let file: String

    private enum Next {
        /// A reload of a valid file.
        case configuration(Configuration)
        /// The end, with the exit code.
        case end(Int32)
    }

    func run() -> Int32 {
        Signals.serve()
        let log = Log()
        let notifier = ServiceNotifier()
        var configuration: Configuration
        do throws(ConfigurationFaults) {
            configuration = try ConfigurationFile.load(file)
        } catch {
            for line in error.lines { Console.complain(line) }
            return 78
        }
        guard configuration.plan.mayOpenFiles() else { return 1 }
        var legacy: RunningService.Legacy?
        while true {
            log.setThreshold(configuration.logLevel)
            for notice in configuration.notices { log.warning(notice) }
            for line in UnsetLimits.lines(configuration.plan.packs) { log.info(line) }
            let service = RunningService(configuration.ready, log, notifier, legacy: legacy)
            let next = service.isWhole ? next(log, notifier) : .end(EX_OSERR)
            var tree: Set<String> = []
            switch next {
            case .configuration(let new): tree = new.plan.tree
            case .end: notifier?.stopping()
            }
            legacy = service.stop(keepsTree: configuration.plan.tree.isSubset(of: tree))
            guard service.isWhole else {
                // A bridge without some of its threads would look like one that works.
                log.error(
                    "cannot start all threads: stopped; raise the limit on them (ulimit -u, TasksMax= of a service)")
                return EX_OSERR
            }
            switch next {
            case .configuration(let new): configuration = new
            case .end(let code):
                log.info("stopped")
                return code
            }
        }
    }

    /// Waits for the next reload of a valid file, or for the end.
    private func next(_ log: Log, _ notifier: ServiceNotifier?) -> Next {
        while true {
            switch Signals.wait() {
            case .reload: break
            case .stop: return .end(0)
            case .outOfTime:
                log.error(
                    "the processor time that the system allows is used up (SIGXCPU): stopping; raise it (ulimit -t, LimitCPU= "
                        + "of a service)")
                return .end(1)
            }
            notifier?.reloading()
            do throws(ConfigurationFaults) {
                let new = try ConfigurationFile.load(file)
                guard new.plan.mayOpenFiles() else {
                    log.error("the old configuration stays in force")
                    notifier?.send(["READY=1"])
                    continue
                }
                log.info("\(file) read again: the new configuration is in force")
                return .configuration(new)
            } catch {
                log.error(
                    "\(file) is faulty, the old configuration stays in force: \(error.lines.joined(separator: "; "))")
                notifier?.send(["READY=1"])
            }
        }
    }
}

extension Configuration {
    /// The plan with the program's version and the state directory.
    var ready: ServicePlan {
        var plan = plan
        plan.bridge.version = Version.number
        plan.stateDirectory = StateStore.directory(configured: plan.stateDirectory)
        return plan
    }
}

extension RunCommand {
    static let row = CommandRow(
        name: "run", summary: "the bridge: BMS in, MQTT out", options: [.config],
        details: """
            Reads every pack of the configuration, computes its limits and publishes them until SIGTERM or SIGINT.
            SIGHUP reads the file again; a faulty file is reported and the old configuration stays in force.
            """, examples: ["bms-mqtt run --config ./config.yaml"],
        work: .service(start))

    private static func start(_ arguments: Arguments) throws(CommandFailure) -> Int32 {
        RunCommand(file: arguments.text("--config") ?? CommandTable.defaultConfiguration).run()
    }
}
