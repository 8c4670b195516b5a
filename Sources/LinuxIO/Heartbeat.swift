import Synchronization

/// The sign of life of one thread or loop, stamped by it and read by whoever watches it.
///
/// Whoever works says by when the next sign is due. Whoever waits for the outside world (bytes of a cable, a broker, a name
/// server, the next attempt) rests: such a wait is no fault of this program, however long it takes.
public final class Heartbeat: Sendable {
    /// Seconds within which the next sign is due, unless said otherwise: ten turns of the slowest loop.
    public static let patience = 10.0

    /// Milliseconds of the monotonic clock; the largest number: at rest.
    private let due = Atomic<Int64>(.max)

    /// At rest.
    public init() {}

    /// At work: another sign comes within so many seconds (more than 0).
    public func beat(within seconds: Double = Heartbeat.patience) {
        due.store(Self.now() + Int64(min(seconds, 1e9) * 1000), ordering: .relaxed)
    }

    /// Waiting for the outside world: no sign is due.
    public func rest() { due.store(.max, ordering: .relaxed) }

    /// Whether the sign that was promised did not come.
    ///
    /// - Parameter now: milliseconds of ``now()``.
    public func isOverdue(at now: Int64 = Heartbeat.now()) -> Bool { due.load(ordering: .relaxed) < now }

    /// Milliseconds of the clock that stands still while the machine is suspended: sleep is no wedge.
    public static func now() -> Int64 { Int64(MonotonicTime.seconds() * 1000) }
}
