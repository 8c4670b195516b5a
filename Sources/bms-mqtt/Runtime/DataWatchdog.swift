import LinuxIO

/// Watches the threads on the way of the data: each of them stamps a heartbeat, and the service manager's watchdog is fed only while
/// no heartbeat is overdue.
///
/// A silent BMS and a broker that is down make no heartbeat overdue, because a thread that waits is at rest. A thread that hangs in its
/// work does, and then only a restart helps.
struct DataWatchdog: Sendable {
    /// One thread on the way of the data.
    struct Link: Sendable {
        /// Name for the log, like "the clock's thread".
        var name: String
        var heartbeat: Heartbeat
    }

    let links: [Link]
    /// Milliseconds between two feeds of the watchdog.
    let interval: Int64
    private var fedAt: Int64?
    private var isStuck = false

    init(_ links: [Link], interval: Int64) {
        self.links = links
        self.interval = interval
    }

    /// Result of a check.
    struct Step: Hashable {
        /// The watchdog is to be fed.
        var feeds = false
        /// A sentence for the log; `nil`: nothing has changed.
        var news: String?
    }

    /// Checks all threads; to be called once a second, or more often where the interval is short.
    ///
    /// - Parameter now: milliseconds of ``Heartbeat/now()``.
    mutating func step(at now: Int64 = Heartbeat.now()) -> Step {
        let late = links.filter { $0.heartbeat.isOverdue(at: now) }.map(\.name)
        var step = Step()
        if late.isEmpty == isStuck {
            isStuck = !late.isEmpty
            step.news = isStuck ? sentence(late) : "all threads of the bridge work again: the watchdog is fed"
        }
        guard !isStuck, fedAt.map({ now - $0 >= interval }) ?? true else { return step }
        fedAt = now
        step.feeds = true
        return step
    }

    private func sentence(_ late: [String]) -> String {
        let names = late.prefix(3).joined(separator: ", ") + (late.count > 3 ? " and \(late.count - 3) more" : "")
        return "no sign of life from \(names) for \(Int(Heartbeat.patience)) s"
            + ": the watchdog is not fed, so that the service manager restarts the service"
    }
}
