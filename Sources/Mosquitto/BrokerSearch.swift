public import LinuxIO
import MQTT

/// The search for the broker at which a bridge is, among brokers that know nothing of each other.
///
/// A retained `online` alone may be a lie: a broker that keeps messages on its disk still has it after a power cut. Limits expire, or are not
/// kept at all, so they are the better evidence.
public struct BrokerSearch: Sendable {
    /// Evidence of a bridge at a broker, the weakest first.
    enum Evidence: Comparable {
        case none
        /// The bridge is called online.
        case said
        /// Limits are kept there, too.
        case kept
        /// Limits came just now.
        case live

        /// Seconds after which no better evidence is awaited.
        fileprivate var patience: Double {
            switch self {
            // A broker that hangs up on MQTT 5 is asked in 3.1.1 after a second.
            case .none: 4
            case .said: 2.5
            case .kept: 1.2
            case .live: 0
            }
        }
    }

    /// The news of one broker.
    struct Sighting {
        private var isOnline = false
        private var hasLimits = false
        private var hasNewLimits = false

        var evidence: Evidence { !isOnline ? .none : hasNewLimits ? .live : hasLimits ? .kept : .said }

        mutating func take(_ message: MQTTMessage, status: String) {
            if message.topic == status {
                isOnline = message.payload == Array("online".utf8)
            } else if !message.payload.isEmpty {
                hasLimits = true
                if !message.retain { hasNewLimits = true }
            }
        }
    }

    /// Topic on which the bridge says that it is online.
    let status: String
    /// Filter of limits of its batteries.
    let limits: String

    /// A search for a bridge by two of its topics.
    public init(status: String, limits: String) { (self.status, self.limits) = (status, limits) }

    /// Seconds for which a careful search waits for limits: they come each fifteen seconds, unless the file makes that longer.
    private static let carefulSeconds = 16.0

    /// Looks at all brokers at the same time, for four seconds at most, or sixteen.
    ///
    /// - Parameters:
    ///   - preferred: place of the broker that is taken where another one is no better.
    ///   - isCareful: a status alone is no evidence, and limits are waited for.
    ///   - stop: ends the search.
    /// - Returns: the place of the broker with the best evidence; `nil` where there is none.
    public func place(
        among configuration: LinkConfiguration, preferring preferred: Int = 0, isCareful: Bool = false,
        stop: EventDescriptor = EventDescriptor()
    ) -> Int? {
        let news = EventDescriptor()
        let sightings = Lock(configuration.brokers.map { _ in Sighting() })
        let links = configuration.brokers.enumerated().map { place, broker in
            var one = configuration.only(broker)
            one.clientID += "-at-\(place)"
            one.onRefusal = nil
            let link = MosquittoLink(one)
            link.subscribe([status, limits].map { Subscription($0) })
            link.start { [status] event in
                guard case .message(let message) = event else { return }
                sightings.withLock { $0[place].take(message, status: status) }
                news.set()
            }
            return link
        }
        defer {
            for link in links { link.beginStop() }
            for link in links { link.stop() }
        }
        let begin = MonotonicTime.seconds()
        while !stop.wait(seconds: 0) {
            let evidence = sightings.withLock { $0.map(\.evidence) }
            let best = evidence.max() ?? .none
            let patience = isCareful && best < .kept ? Self.carefulSeconds : best.patience
            let left = patience - (MonotonicTime.seconds() - begin)
            guard left <= 0 else {
                if news.wait(seconds: min(left, 0.2)) { news.clear() }
                continue
            }
            guard best >= (isCareful ? .kept : .said) else { return nil }
            return evidence[preferred] == best ? preferred : evidence.firstIndex(of: best)
        }
        return nil
    }
}
