import Synchronization

/// Puts what a thread wrote before it handed something over before whoever takes it, whatever carries it: how a stream of the
/// concurrency runtime orders its two ends is not seen by the thread sanitizer.
public final class Handover: Sendable {
    private let count = Atomic<Int>(0)

    /// Nothing is handed over yet.
    public init() {}

    /// Called before something is handed over.
    public func give() { count.wrappingAdd(1, ordering: .releasing) }

    /// Called after something was taken.
    public func take() { _ = count.load(ordering: .acquiring) }
}
