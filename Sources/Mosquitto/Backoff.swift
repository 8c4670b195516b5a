/// Waiting times between attempts: 1 s, then 2 to 3 s for half a minute, then 4 s and 8 s again and again.
///
/// A driver on a GX drops its battery 20 s after the last document: after an outage of 14 s the next attempt has to come within 3 s. The
/// jitter is there for a hundred bridges that would otherwise return to a restarted broker in the same instant. An inverter waits for
/// limits: no wait is longer than 10 s.
public struct Backoff: Sendable {
    private static let first = 1.0
    private static let early = 2.0
    private static let earlyJitter = 1.0
    /// Seconds of waiting for which attempts stay close together.
    private static let earlyFor = 30.0
    private static let later = 4.0
    private static let longest = 8.0
    private static let jitter = 0.25

    /// Seconds of all waits since the last reset.
    private var waited = 0.0
    private var next = later

    /// Creates a backoff at the shortest wait.
    public init() {}

    /// The next wait in seconds.
    ///
    /// - Parameter random: a number 0 ..< 1.
    public mutating func wait(random: Double) -> Double {
        let wait: Double
        if waited == 0 {
            wait = Self.first * (1 + Self.jitter * random)
        } else if waited < Self.earlyFor {
            wait = Self.early + Self.earlyJitter * random
        } else {
            wait = next * (1 + Self.jitter * random)
            next = min(next * 2, Self.longest)
        }
        waited += wait
        return wait
    }

    /// Returns to the shortest wait, because a connection held.
    public mutating func reset() { self = Backoff() }
}
