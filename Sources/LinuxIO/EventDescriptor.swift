import CLinux
import Glibc

/// An eventfd: set once from any thread, seen by every poll.
public final class EventDescriptor: Sendable {
    /// The descriptor for polls, readable while the event is set.
    public let descriptor: Int32

    /// Creates an event that is not set.
    public init() { descriptor = eventfd(0, Int32(EFD_CLOEXEC | EFD_NONBLOCK)) }

    deinit { close(descriptor) }

    /// Wakes whoever waits, now and from now on.
    public func set() {
        var one: UInt64 = 1
        _ = Glibc.write(descriptor, &one, 8)
    }

    /// Takes the signal back.
    public func clear() { Poll.takeCount(of: descriptor) }

    /// Waits, an hour at most; `true` when the event was set in time.
    @discardableResult
    public func wait(seconds: Double) -> Bool {
        Poll.wait(for: descriptor, seconds: seconds) == .ready
    }
}

/// Waiting for a descriptor.
public enum Poll {
    /// The reason why a wait ended.
    public enum Outcome: Hashable, Sendable {
        /// The descriptor can be read, written or has hung up.
        case ready
        /// Nothing happened in time.
        case timeout
        /// The stop event was set.
        case stopped
    }

    /// The operations that a descriptor is ready for.
    public struct Readiness: Hashable, Sendable {
        /// The descriptor can be read, or has hung up.
        public var canRead: Bool
        /// The descriptor can be written.
        public var canWrite: Bool
        /// The event was set.
        public var isWoken: Bool
    }

    /// Resets the count of an eventfd, so that it is no longer ready.
    static func takeCount(of descriptor: Int32) {
        var count: UInt64 = 0
        _ = Glibc.read(descriptor, &count, 8)
    }

    /// Waits for one descriptor, for a stop event, or for time to pass (an hour at most).
    public static func wait(
        for descriptor: Int32, writing: Bool = false, seconds: Double, stop: EventDescriptor? = nil
    ) -> Outcome {
        let ready = wait(for: descriptor, events: writing ? POLLOUT : POLLIN, seconds: seconds, event: stop)
        return ready.isWoken ? .stopped : ready.canRead || ready.canWrite ? .ready : .timeout
    }

    /// Waits until a descriptor can be read, or written where that is wanted, until an event is set, or for time to pass
    /// (an hour at most).
    public static func wait(
        for descriptor: Int32, alsoWriting: Bool, seconds: Double, wake: EventDescriptor
    ) -> Readiness {
        wait(for: descriptor, events: alsoWriting ? POLLIN | POLLOUT : POLLIN, seconds: seconds, event: wake)
    }

    private static func wait(
        for descriptor: Int32, events: Int32, seconds: Double, event: EventDescriptor?
    ) -> Readiness {
        // A tuple on the stack: an array would be allocated for each wait. The kernel ignores a negative descriptor.
        var entries = (
            pollfd(fd: descriptor, events: Int16(events), revents: 0),
            pollfd(fd: event?.descriptor ?? -1, events: Int16(POLLIN), revents: 0)
        )
        // Rounded up: a wait that ends early would be started again, a thousand times a millisecond.
        let milliseconds = Int32((min(max(seconds, 0), 3600) * 1000).rounded(.up))
        withUnsafeMutablePointer(to: &entries) { pair in
            pair.withMemoryRebound(to: pollfd.self, capacity: 2) { list in
                while poll(list, 2, milliseconds) < 0, errno == EINTR {}
            }
        }
        let state = Int32(entries.0.revents)
        return Readiness(
            canRead: state & ~POLLOUT != 0, canWrite: state & POLLOUT != 0, isWoken: entries.1.revents != 0)
    }
}
