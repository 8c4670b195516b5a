import CLinux
import Glibc

/// An eventfd: set once from any thread, seen by every poll.
final class EventDescriptor: Sendable {
    let descriptor: Int32

    init() { descriptor = eventfd(0, Int32(EFD_CLOEXEC | EFD_NONBLOCK)) }

    deinit { close(descriptor) }

    /// Wakes whoever waits, now and from now on.
    func set() {
        var one: UInt64 = 1
        _ = Glibc.write(descriptor, &one, 8)
    }

    /// Takes the signal back.
    func clear() {
        var count: UInt64 = 0
        _ = Glibc.read(descriptor, &count, 8)
    }

    /// Waits; `true` when it was set in time.
    @discardableResult
    func wait(seconds: Double) -> Bool {
        var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        while true {
            let result = poll(&entry, 1, Int32(min(max(seconds, 0), 3600) * 1000))
            if result < 0 && errno == EINTR { continue }
            return result > 0
        }
    }
}
