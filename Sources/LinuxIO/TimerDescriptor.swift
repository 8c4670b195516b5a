import CLinux
import Glibc

/// A timerfd: readable when its time has come. Whoever sets it anew moves that time without waking the one who waits for it.
public final class TimerDescriptor: Sendable {
    /// For polls: readable when the time has come; -1 where the system gave none.
    public let descriptor: Int32

    /// Not set: never readable. Its time stands still while the machine is suspended.
    public init() { descriptor = timerfd_create(CLOCK_MONOTONIC, Int32(TFD_CLOEXEC | TFD_NONBLOCK)) }

    deinit { close(descriptor) }

    /// Readable after so many seconds (more than 0), and from then on again after each interval.
    public func set(after seconds: Double, every interval: Double) {
        var times = itimerspec(it_interval: Self.time(interval), it_value: Self.time(seconds))
        timerfd_settime(descriptor, 0, &times, nil)
    }

    /// Not readable any more until its time comes again.
    public func clear() { Poll.takeCount(of: descriptor) }

    /// At least a millisecond: zero would stop it.
    private static func time(_ seconds: Double) -> timespec {
        let milliseconds = Int(min(max(seconds, 0.001), 1e6) * 1000)
        return timespec(tv_sec: milliseconds / 1000, tv_nsec: milliseconds % 1000 * 1_000_000)
    }
}
