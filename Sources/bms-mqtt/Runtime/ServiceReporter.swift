import LinuxIO
import BatteryEngine
import MQTTBridge
import ServiceIO

/// Reports the state of the bridge to the service manager, and a summary of each hour to the log, with the ticks of the clock.
struct ServiceReporter: Sendable {
    /// Least time between two status lines, milliseconds.
    private static let statusInterval: Int64 = 5_000

    let notifier: ServiceNotifier?
    let log: Log
    /// Summaries of all packs; the flag starts the ranges of the limits again.
    let summaries: @Sendable (_ takesRanges: Bool) -> [PackSummary]
    let isConnected: @Sendable () -> Bool
    private var isReady = false
    private var status = ""
    private var lookedAt: Int64?
    private var hour: HourlySummary?

    init(
        notifier: ServiceNotifier?, log: Log, summaries: @escaping @Sendable (_ takesRanges: Bool) -> [PackSummary],
        isConnected: @escaping @Sendable () -> Bool
    ) {
        self.notifier = notifier
        self.log = log
        self.summaries = summaries
        self.isConnected = isConnected
    }

    /// Sends the reports that are due. The first step reports the service as ready and waits for no BMS, because a BMS that is dead
    /// at boot must not make the manager end the service.
    ///
    /// - Parameter now: milliseconds of ``Heartbeat/now()``.
    mutating func step(at now: Int64 = Heartbeat.now()) {
        if let notifier, !isReady { isReady = notifier.send(["READY=1"]) }
        let isStatusDue = notifier != nil && lookedAt.map { now - $0 >= Self.statusInterval } ?? true
        let isHourOver = hour?.isDue(at: now) ?? true
        guard isStatusDue || isHourOver else { return }
        let packs = summaries(isHourOver)
        if let notifier, isStatusDue {
            lookedAt = now
            let text = StatusLine.text(packs, isConnected: isConnected())
            if text != status, notifier.send(["STATUS=\(text)"]) { status = text }
        }
        if isHourOver {
            for line in hour?.lines(packs, at: now) ?? [] { log.info(line) }
            hour = hour ?? HourlySummary(packs, at: now)
        }
    }
}
