import Glibc
import LinuxIO
import ServiceIO

/// Feeds the service manager's watchdog on a thread of its own, which waits for no other thread and so can log which of them hangs.
/// Without a manager that watches it ends the program instead (``DataWatchdog``).
struct WatchdogThread: Sendable {
    private let stopEvent = EventDescriptor()

    /// Starts the thread.
    init(_ links: [DataWatchdog.Link], _ notifier: ServiceNotifier?, _ log: Log) {
        let interval = notifier?.feedInterval
        let stop = stopEvent
        // If the thread cannot be started, the watchdog is not fed, and the manager restarts the service.
        _ = OwnThread.start("watchdog") {
            var watchdog = DataWatchdog(links, interval: interval)
            repeat {
                let step = watchdog.step()
                // The watchdog is fed first, because the log may be slow.
                if step.feeds { notifier?.send(["WATCHDOG=1"]) }
                if let news = step.news { log.warning(news) }
                // Without a word to the other threads, one of which hangs.
                if step.ends { _exit(ExitCode.failed.rawValue) }
            } while !stop.wait(seconds: min(1, Double(interval ?? 2000) / 2000))
        }
    }

    /// Ends the thread.
    func stop() { stopEvent.set() }
}
