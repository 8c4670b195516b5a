import BMSCore
import Mosquitto
import MQTTBridge

/// `bms-mqtt run`: services one after the other, a new one for each good reload.
struct RunCommand: Sendable {
    let file: String
    let requests: AsyncStream<Signals.Request>

    func run() async -> Int32 {
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
        var iterator = requests.makeAsyncIterator()
        while true {
            log.setThreshold(configuration.logLevel)
            for notice in configuration.notices { log.warning(notice) }
            let service = Service(plan: configuration.ready, log: log, notifier: notifier)
            let task = Task { await service.run() }
            let next = await nextConfiguration(&iterator, log, notifier)
            if next == nil { notifier?.stopping() }
            task.cancel()
            await task.value
            guard let next else {
                log.info("stopped")
                return 0
            }
            configuration = next
        }
    }

    /// The configuration of the next good reload; `nil` when told to stop.
    private func nextConfiguration(
        _ iterator: inout AsyncStream<Signals.Request>.Iterator, _ log: Log, _ notifier: ServiceNotifier?
    ) async -> Configuration? {
        while let request = await iterator.next(isolation: #isolation) {
            guard request == .reload else { return nil }
            notifier?.reloading()
            do throws(ConfigurationFaults) {
                let new = try ConfigurationFile.load(file)
                guard new.plan.mayOpenFiles() else {
                    log.error("the old configuration stays in force")
                    notifier?.send(["READY=1"])
                    continue
                }
                log.info("\(file) read again: starting anew with it")
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
