import Synchronization

/// The sign of life of one thread or loop, which stamps it; a watcher reads it.
///
/// A thread at work promises the time of its next sign. A thread that waits for the outside world (bytes of a cable, a broker, a name
/// server, the next attempt) rests: such a wait is not a fault of this program, however long it takes.
public final class Heartbeat: Sendable {
    /// Seconds within which the next sign is due, unless said otherwise: ten turns of the slowest loop.
    public static let patience = 10.0

    /// Milliseconds of the monotonic clock at which the next sign is due; the largest number means at rest.
    private let due = Atomic<Int64>(.max)

    /// Creates a heartbeat at rest.
    public init() {}

    /// Marks the thread as working: the next sign comes within so many seconds (more than 0).
    public func beat(within seconds: Double = Heartbeat.patience) {
        due.store(Self.now() + Int64(min(seconds, 1e9) * 1000), ordering: .relaxed)
    }

    /// Marks the thread as waiting for the outside world: no sign is due.
    public func rest() { due.store(.max, ordering: .relaxed) }

    /// True when the promised sign did not come.
    ///
    /// - Parameter now: milliseconds of ``now()``.
    public func isOverdue(at now: Int64 = Heartbeat.now()) -> Bool { due.load(ordering: .relaxed) < now }

    /// Milliseconds of a clock that stands still while the machine is suspended, so that a suspend does not look like a stuck thread.
    public static func now() -> Int64 { Int64(MonotonicTime.seconds() * 1000) }
}
