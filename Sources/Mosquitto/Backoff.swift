/// Waiting times between attempts: 1, 2, 4, 8, 8 ... s, each with up to a quarter of jitter, so that a hundred bridges do
/// not return to a restarted broker in the same instant. An inverter waits for limits: no wait is longer than 10 s.
public struct Backoff: Sendable {
    private static let first = 1.0
    private static let longest = 8.0
    private static let jitter = 0.25

    private var next = first

    /// Starts at the shortest wait.
    public init() {}

    /// The next wait in seconds.
    ///
    /// - Parameter random: a number 0 ..< 1.
    public mutating func wait(random: Double) -> Double {
        let base = next
        next = min(next * 2, Self.longest)
        return base * (1 + Self.jitter * random)
    }

    /// A connection held: begin again at the shortest wait.
    public mutating func reset() { next = Self.first }
}
