/// News of a source.
public enum SourceEvent: Hashable, Sendable {
    /// The source with this name is open: bytes will come.
    case opened(String)
    /// Bytes as one read gave them, and the latest moment at which the newest of them can have come, in seconds of
    /// ``MonotonicTime/sinceBoot()``. This is the moment of the read, unless the reading thread was late.
    case bytes([UInt8], at: Double)
    /// Bytes were thrown away, unread: the reading thread did not run for so many seconds, so their age is unknown.
    case dropped(seconds: Double)
    /// The source is closed; another attempt follows after so many seconds.
    case closed(SerialError, retryIn: Double)
    /// A fault that does not end the source: a line of a recording was skipped.
    case complaint(SerialError)
    /// The recording is at its end.
    case ended
}

/// Waiting times between attempts to open a source, in seconds: short at first, so that limits do not fall when a cable is back within a
/// second; 5 s at most.
public struct ReopenDelay: Sendable {
    private static let steps = [0.5, 1, 2, 5]
    private var step = 0

    /// Creates a delay that starts at the shortest wait.
    public init() {}

    /// The next wait, with up to a quarter of jitter.
    ///
    /// - Parameter random: 0 ..< 1.
    public mutating func next(random: Double) -> Double {
        let seconds = Self.steps[step]
        step = min(step + 1, Self.steps.count - 1)
        return seconds * (1 + 0.25 * random)
    }

    /// Returns to the shortest wait, because bytes came.
    public mutating func reset() { step = 0 }
}
