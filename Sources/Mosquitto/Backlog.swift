import Synchronization

/// Counts messages between the network thread and the reader, and bounds them.
final class Backlog: Sendable {
    private static let limit = 1024
    private let waiting = Atomic<Int>(0)
    private let lost = Atomic<Int>(0)

    /// `true` when there is room for one more; else it is counted as lost.
    func admit() -> Bool {
        guard waiting.load(ordering: .relaxed) < Self.limit else {
            countLoss()
            return false
        }
        waiting.add(1, ordering: .relaxed)
        return true
    }

    func taken() { waiting.subtract(1, ordering: .relaxed) }
    func countLoss() { lost.add(1, ordering: .relaxed) }

    /// Messages that were dropped: nobody read, or they were too large.
    var dropped: Int { lost.load(ordering: .relaxed) }
}
