import LinuxIO
import ServiceIO

/// Feeds the service manager's watchdog from the page's thread, while the server's thread works, too. If one of the two hangs, the manager
/// restarts the service.
struct PageWatchdog {
    private let notifier: ServiceNotifier?
    private let server: Heartbeat
    /// Time of the last feed, milliseconds of ``Heartbeat/now()``.
    private var fedAt: Int64?

    /// - Parameters:
    ///   - notifier: `nil`: no manager watches.
    ///   - server: the sign of life of the server's thread.
    init(_ notifier: ServiceNotifier?, _ server: Heartbeat) { (self.notifier, self.server) = (notifier, server) }

    /// Feeds the watchdog when that is due; to be called once a second.
    mutating func step(at now: Int64 = Heartbeat.now()) {
        guard let notifier, let interval = notifier.feedInterval, !server.isOverdue(at: now),
            fedAt.map({ now - $0 >= interval }) ?? true
        else { return }
        if notifier.send(["WATCHDOG=1"]) { fedAt = now }
    }
}
