import Synchronization

/// Counts messages between the network thread and the reader, and bounds them.
final class Backlog: Sendable {
    private static let limit = 1024
    private static let byteLimit = 8 << 20
    private let waiting = Atomic<Int>(0)
    private let bytes = Atomic<Int>(0)
    private let lost = Atomic<Int>(0)

    /// True when there is room for one more message of this size; otherwise the message is counted as lost.
    func admit(_ size: Int) -> Bool {
        guard waiting.load(ordering: .relaxed) < Self.limit, bytes.load(ordering: .relaxed) < Self.byteLimit else {
            countLoss()
            return false
        }
        waiting.add(1, ordering: .relaxed)
        bytes.add(size, ordering: .relaxed)
        return true
    }

    func taken(_ size: Int) {
        waiting.subtract(1, ordering: .relaxed)
        bytes.subtract(size, ordering: .relaxed)
    }

    func countLoss() { lost.add(1, ordering: .relaxed) }

    /// Number of messages that were dropped because nobody read them or they were too large.
    var dropped: Int { lost.load(ordering: .relaxed) }
}
