import LinuxIO

/// Feeds the service manager's watchdog from a thread of its own, which waits for nobody: so it can still say in the log which
/// link of the chain hangs, when everything else does.
struct WatchdogThread: Sendable {
    private let stopEvent = EventDescriptor()

    /// Starts it where the manager watches.
    ///
    /// - Returns: `nil` where it does not.
    init?(_ links: [DataWatchdog.Link], _ notifier: ServiceNotifier?, _ log: Log) {
        guard let notifier, let interval = notifier.feedInterval else { return nil }
        let stop = stopEvent
        // A thread that cannot be started feeds nobody, and the manager starts the service anew.
        _ = OwnThread.start("watchdog") {
            var watchdog = DataWatchdog(links, interval: interval)
            repeat {
                let step = watchdog.step()
                // Fed first: the log may be slow.
                if step.feeds { notifier.send(["WATCHDOG=1"]) }
                if let news = step.news { log.warning(news) }
            } while !stop.wait(seconds: min(1, Double(interval) / 2000))
        }
    }

    /// Ends it.
    func stop() { stopEvent.set() }
}
