/// The choice among brokers in order of preference. Pure.
///
/// The next broker is tried at once after a loss or a failure, and a pause follows only when each of them has failed. While another than
/// the first serves, somebody looks now and then whether the first listens again; a return that ends goes back at once, and the next one
/// comes later unless it held, so that a broker that listens and does not serve costs little.
struct BrokerChoice: Sendable {
    /// Seconds between two looks at the first broker.
    static let shortestInterval = 30.0
    /// The longest time between two looks, after returns that failed.
    static let longestInterval = 480.0
    /// Seconds of service after which a broker counts as good.
    static let stableSeconds = 10.0
    /// Seconds of service after which a return was right.
    static let provenSeconds = 60.0

    /// Number of brokers.
    let count: Int
    /// The broker to try, or that serves.
    private(set) var place = 0
    /// Seconds until the next look at the first broker.
    private(set) var interval: Double
    private let shortest: Double
    /// Brokers that failed one after the other since the last pause.
    private var failed = 0
    /// The broker that was left for the first one; `nil` unless a return is on trial.
    private var origin: Int?

    init(count: Int, interval: Double = BrokerChoice.shortestInterval) {
        self.count = count
        self.interval = interval
        shortest = interval
    }

    /// Somebody should look whether the first broker listens again.
    var misses: Bool { place != 0 }

    /// The first broker is tried in the place of one that serves.
    var isReturning: Bool { origin != nil }

    /// The present broker is on trial in the place of one that serves: what ends the trial leads back there.
    ///
    /// - Parameter served: seconds of service; `nil` where the broker did not accept the connection.
    func isOnTrial(after served: Double?) -> Bool { isReturning && (served ?? 0) < Self.provenSeconds }

    /// Leaves the present broker for the first one.
    mutating func returnToFirst() {
        guard place != 0 else { return }
        (origin, place) = (place, 0)
    }

    /// Notes that the present broker was lost, or could not be reached.
    ///
    /// - Parameter served: seconds of service; `nil` where the broker did not accept the connection.
    /// - Returns: true where a pause comes before the next attempt.
    mutating func ended(served: Double?) -> Bool {
        if place == 0, (served ?? 0) >= Self.provenSeconds {
            interval = shortest
        } else if origin != nil {
            interval = min(2 * interval, max(shortest, Self.longestInterval))
        }
        let isOnTrial = isOnTrial(after: served)
        if let origin, isOnTrial {
            // It served until it was left, so it is tried before all others, and what failed before it served does not count.
            (place, self.origin, failed) = (origin, nil, 0)
            return false
        }
        // After a return that held, the broker that was left is one of the others: it may be gone by now.
        origin = nil
        if (served ?? 0) >= Self.stableSeconds { failed = 0 }
        failed += 1
        place = (place + 1) % count
        guard failed >= count else { return false }
        failed = 0
        return true
    }
}
