import LinuxIO

/// Whether the way of the data turns: every link of it (a source's thread, the bridge, the broker's thread) stamps a heartbeat, and
/// only when none is overdue the service manager's watchdog is fed.
///
/// A silent BMS and a broker that is down starve nobody: those threads rest while they wait. A thread that hangs in its work does,
/// and then only a new start helps.
struct DataWatchdog: Sendable {
    /// One link of the chain.
    struct Link: Sendable {
        /// For people: "the bridge".
        var name: String
        var heartbeat: Heartbeat
    }

    let links: [Link]
    /// Milliseconds between two feedings.
    let interval: Int64
    private var fedAt: Int64?
    private var isStuck = false

    init(_ links: [Link], interval: Int64) {
        self.links = links
        self.interval = interval
    }

    /// What to do now.
    struct Step: Hashable {
        /// The watchdog is to be fed.
        var feeds = false
        /// A sentence for the log; `nil`: no news.
        var news: String?
    }

    /// Looks at all links; call it once a second, or more often where the interval is short.
    ///
    /// - Parameter now: milliseconds of ``Heartbeat/now()``.
    mutating func step(at now: Int64 = Heartbeat.now()) -> Step {
        let late = links.filter { $0.heartbeat.isOverdue(at: now) }.map(\.name)
        var step = Step()
        if late.isEmpty == isStuck {
            isStuck = !late.isEmpty
            step.news = isStuck ? sentence(late) : "the way of the data turns again"
        }
        guard !isStuck, fedAt.map({ now - $0 >= interval }) ?? true else { return step }
        fedAt = now
        step.feeds = true
        return step
    }

    private func sentence(_ late: [String]) -> String {
        let names = late.prefix(3).joined(separator: ", ") + (late.count > 3 ? " and \(late.count - 3) more" : "")
        return "no sign of life from \(names) for \(Int(Heartbeat.patience)) s"
            + ": the watchdog is not fed, so that the service manager starts anew"
    }
}
