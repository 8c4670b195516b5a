import LinuxIO
import MQTTBridge

/// Beside the way of the data, with the clock's ticks: tells the service manager how the bridge stands, and the log what an hour
/// brought.
struct ServiceReporter: Sendable {
    /// Least time between two status lines, milliseconds.
    private static let statusInterval: Int64 = 5_000

    let notifier: ServiceNotifier?
    let log: Log
    /// How each pack stands; the flag lets the ranges of the limits begin anew.
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

    /// Tells what is due. The manager hears at once that the service is ready: the configuration is in force, sources and
    /// broker are being worked at. It is not told to wait for a BMS: one that is dead at boot must not have the unit ended.
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
