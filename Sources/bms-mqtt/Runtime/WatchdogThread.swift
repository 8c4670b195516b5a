import LinuxIO

/// Feeds the service manager's watchdog on a thread of its own, which waits for no other thread and so can log which of them hangs.
struct WatchdogThread: Sendable {
    private let stopEvent = EventDescriptor()

    /// Starts the thread; `nil` if the manager does not watch this process.
    init?(_ links: [DataWatchdog.Link], _ notifier: ServiceNotifier?, _ log: Log) {
        guard let notifier, let interval = notifier.feedInterval else { return nil }
        let stop = stopEvent
        // If the thread cannot be started, the watchdog is not fed, and the manager restarts the service.
        _ = OwnThread.start("watchdog") {
            var watchdog = DataWatchdog(links, interval: interval)
            repeat {
                let step = watchdog.step()
                // The watchdog is fed first, because the log may be slow.
                if step.feeds { notifier.send(["WATCHDOG=1"]) }
                if let news = step.news { log.warning(news) }
            } while !stop.wait(seconds: min(1, Double(interval) / 2000))
        }
    }

    /// Ends the thread.
    func stop() { stopEvent.set() }
}
