/// News of a source.
public enum SourceEvent: Hashable, Sendable {
    /// Bytes will come.
    case opened(String)
    /// Bytes as one read gave them, and the latest moment at which the newest of them can have come, in seconds of
    /// ``MonotonicTime/sinceBoot()``. The moment of the read, unless the thread that reads came late.
    case bytes([UInt8], at: Double)
    /// Bytes were thrown away, unread: the thread that reads did not run for so many seconds, so their age is unknown.
    case dropped(seconds: Double)
    /// None come; another attempt follows after so many seconds.
    case closed(SerialError, retryIn: Double)
    /// Something is wrong and goes on: a line of a recording was skipped.
    case complaint(SerialError)
    /// A recording is at its end.
    case ended
}

/// Waiting times between attempts to open a source, in seconds: short at first, so that a cable that is back within a
/// second costs no limits; 5 s at most.
public struct ReopenDelay: Sendable {
    private static let steps = [0.5, 1, 2, 5]
    private var step = 0

    /// Starts at the shortest.
    public init() {}

    /// The next wait, with up to a quarter of jitter.
    ///
    /// - Parameter random: 0 ..< 1.
    public mutating func next(random: Double) -> Double {
        let seconds = Self.steps[step]
        step = min(step + 1, Self.steps.count - 1)
        return seconds * (1 + 0.25 * random)
    }

    /// Bytes came: begin again at the shortest.
    public mutating func reset() { step = 0 }
}
