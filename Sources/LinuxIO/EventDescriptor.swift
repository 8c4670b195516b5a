import CLinux
import Glibc

/// An eventfd: set once from any thread, seen by every poll.
public final class EventDescriptor: Sendable {
    /// For polls: readable while set.
    public let descriptor: Int32

    /// Not set.
    public init() { descriptor = eventfd(0, Int32(EFD_CLOEXEC | EFD_NONBLOCK)) }

    deinit { close(descriptor) }

    /// Wakes whoever waits, now and from now on.
    public func set() {
        var one: UInt64 = 1
        _ = Glibc.write(descriptor, &one, 8)
    }

    /// Takes the signal back.
    public func clear() {
        var count: UInt64 = 0
        _ = Glibc.read(descriptor, &count, 8)
    }

    /// Waits, an hour at most; `true` when it was set in time.
    @discardableResult
    public func wait(seconds: Double) -> Bool {
        Poll.wait(for: descriptor, seconds: seconds) == .ready
    }
}

/// Waiting for a descriptor.
public enum Poll {
    /// What ended the wait.
    public enum Outcome: Hashable, Sendable {
        /// The descriptor can be read, written or has hung up.
        case ready
        /// Nothing happened in time.
        case timeout
        /// The stop event was set.
        case stopped
    }

    /// Waits for one descriptor, for a stop event, or for time to pass (an hour at most).
    public static func wait(
        for descriptor: Int32, writing: Bool = false, seconds: Double, stop: EventDescriptor? = nil
    ) -> Outcome {
        var entries = [
            pollfd(fd: descriptor, events: Int16(writing ? POLLOUT : POLLIN), revents: 0),
            // A negative descriptor is ignored by the kernel.
            pollfd(fd: stop?.descriptor ?? -1, events: Int16(POLLIN), revents: 0),
        ]
        var result: Int32
        repeat {
            result = poll(&entries, 2, Int32(min(max(seconds, 0), 3600) * 1000))
        } while result < 0 && errno == EINTR
        if entries[1].revents != 0 { return .stopped }
        return result > 0 ? .ready : .timeout
    }
}
