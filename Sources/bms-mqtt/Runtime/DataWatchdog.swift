import LinuxIO

/// Watches the threads on the way of the data: each of them stamps a heartbeat, and the service manager's watchdog is fed only while
/// no heartbeat is overdue. Where no manager watches (in a container, in a terminal), the bridge ends by itself: whatever started it
/// starts it again, and the broker publishes its last will.
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

    /// Milliseconds for which a thread must have been seen overdue before the bridge ends by itself. Counted from the first look: a
    /// process that was stopped and goes on finds all threads overdue, once.
    static let endsAfter: Int64 = 20_000

    let links: [Link]
    /// Milliseconds between two feeds of the manager's watchdog; `nil`: no manager watches.
    let interval: Int64?
    private var fedAt: Int64?
    private var stuckSince: Int64?

    init(_ links: [Link], interval: Int64?) {
        self.links = links
        self.interval = interval
    }

    /// Result of a check.
    struct Step: Hashable {
        /// The watchdog is to be fed.
        var feeds = false
        /// The bridge is to end.
        var ends = false
        /// A sentence for the log; `nil`: nothing has changed.
        var news: String?
    }

    /// Checks all threads; to be called once a second, or more often where the interval is short.
    ///
    /// - Parameter now: milliseconds of ``Heartbeat/now()``.
    mutating func step(at now: Int64 = Heartbeat.now()) -> Step {
        let late = links.filter { $0.heartbeat.isOverdue(at: now) }.map(\.name)
        var step = Step()
        if late.isEmpty == (stuckSince != nil) {
            stuckSince = late.isEmpty ? nil : now
            step.news = late.isEmpty ? "all threads of the bridge work again" : sentence(late)
        }
        if let stuckSince {
            step.ends = interval == nil && now - stuckSince >= Self.endsAfter
            return step
        }
        guard let interval, fedAt.map({ now - $0 >= interval }) ?? true else { return step }
        fedAt = now
        step.feeds = true
        return step
    }

    private func sentence(_ late: [String]) -> String {
        let names = late.prefix(3).joined(separator: ", ") + (late.count > 3 ? " and \(late.count - 3) more" : "")
        let remedy =
            interval == nil
            ? "if that lasts, the bridge ends in \(Self.endsAfter / 1000) s, so that whatever started it can start it again"
            : "the watchdog is not fed, so that the service manager restarts the service"
        return "no sign of life from \(names) for \(Int(Heartbeat.patience)) s: \(remedy)"
    }
}
