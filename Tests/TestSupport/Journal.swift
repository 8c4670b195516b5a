import LinuxIO

/// What one thread noted and another reads, in order.
///
/// A reader gets a copy of its own, made while it holds the lock. An array that is handed out as it is shares its memory with the lock's
/// until the reader lets go of it; the thread sanitizer does not see the reference count that tells the writer so, and reports a race.
public final class Journal<Entry: Sendable>: Sendable {
    private let entries = Lock<[Entry]>([])

    /// An empty journal.
    public init() {}

    /// Notes one more entry.
    ///
    /// - Returns: the number of entries so far.
    @discardableResult
    public func add(_ entry: Entry) -> Int {
        entries.withLock { entries in
            entries.append(entry)
            return entries.count
        }
    }

    /// Everything so far.
    public var all: [Entry] { entries.withLock { $0.map { $0 } } }

    /// Removes all entries.
    public func forget() { entries.withLock { $0 = [] } }
}
