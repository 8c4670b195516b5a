import BMSCore
import Glibc
import Mosquitto
import MQTTBridge

/// `bms-mqtt run`: services one after the other, a new one for each good reload. The calling thread waits for signals.
struct RunCommand {
    let file: String

    func run() -> Int32 {
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
            let next = service.isWhole ? nextConfiguration(log, notifier) : nil
            if next == nil { notifier?.stopping() }
            legacy = service.stop(keepsTree: configuration.plan.tree.isSubset(of: next?.plan.tree ?? []))
            guard service.isWhole else {
                // Limping on would look like a bridge that works.
                log.error("the system gives no more threads: stopped")
                return EX_OSERR
            }
            guard let next else {
                log.info("stopped")
                return 0
            }
            configuration = next
        }
    }

    /// The configuration of the next good reload; `nil` when told to stop.
    private func nextConfiguration(_ log: Log, _ notifier: ServiceNotifier?) -> Configuration? {
        while Signals.wait() == .reload {
            notifier?.reloading()
            do throws(ConfigurationFaults) {
                let new = try ConfigurationFile.load(file)
                guard new.plan.mayOpenFiles() else {
                    log.error("the old configuration stays in force")
                    notifier?.send(["READY=1"])
                    continue
                }
                log.info("\(file) read again: going on with it")
                return new
            } catch {
                log.error(
                    "\(file) is faulty, the old configuration stays in force: \(error.lines.joined(separator: "; "))")
                notifier?.send(["READY=1"])
            }
        }
        return nil
    }
}

extension Configuration {
    /// The plan with what the machine and the program know.
    var ready: ServicePlan {
        var plan = plan
        plan.bridge.version = Version.number
        plan.stateDirectory = StateStore.directory(configured: plan.stateDirectory)
        return plan
    }
}
