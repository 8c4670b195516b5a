public import LinuxIO
import MQTT

/// Keeps a reader at the broker of its list where the bridge is. The brokers may know nothing of each other, and the reader may reach one
/// that the bridge cannot reach.
public final class BridgeFollower: Sendable {
    private struct State: Sendable {
        var absence = AbsenceWatch()
        /// Place of the present broker; `nil`: there is no connection.
        var place: Int?
        /// Place to which the link was steered.
        var steered: Int?
        var isSearching = false
    }

    private let link: MosquittoLink
    private let configuration: LinkConfiguration
    private let base: String
    private let search: BrokerSearch
    private let state = Lock(State())
    private let end = EventDescriptor()

    /// - Parameters:
    ///   - link: the reader's connection, which receives the bridge's status and limits.
    ///   - configuration: the brokers and the identity of the reader.
    ///   - base: first levels of the bridge's topics.
    public init(_ link: MosquittoLink, _ configuration: LinkConfiguration, base: String) {
        self.link = link
        self.configuration = configuration
        self.base = base
        search = BrokerSearch(status: "\(base)/bridge/status", limits: "\(base)/+/limits")
    }

    deinit { end.set() }

    /// Ends a search that is under way.
    public func stop() { end.set() }

    /// Takes an event of the link.
    ///
    /// - Parameter now: seconds of the monotonic clock.
    public func take(_ event: LinkEvent, at now: Double = MonotonicTime.seconds()) {
        guard configuration.brokers.count > 1 else { return }
        state.withLock { state in
            switch event {
            case .connected(_, _, let place):
                state.place = place
                state.absence.connected(at: now)
            case .disconnected:
                // A broker that is left for the one where the bridge is was not lost.
                if state.place == nil || state.place == state.steered {
                    state.steered = nil
                    link.steer(to: nil)
                }
                state.place = nil
                state.absence.disconnected()
            case .message(let message) where message.topic == search.status:
                state.absence.heard(isOnline: message.payload == Array("online".utf8))
            case .message(let message) where message.topic.hasPrefix("\(base)/") && message.topic.hasSuffix("/limits"):
                if !message.payload.isEmpty { state.absence.heardLimits(at: now) }
            case .message, .line, .refusal: break
            }
        }
    }

    /// Looks at the time, once a second or so, and begins a search that is due.
    ///
    /// - Returns: `true` where a search begins.
    @discardableResult
    public func step(at now: Double = MonotonicTime.seconds()) -> Bool {
        let isDue = state.withLock { state in
            guard state.absence.isDue(at: now), !state.isSearching else { return false }
            state.isSearching = true
            return true
        }
        guard isDue else { return false }
        let isBegun = OwnThread.start("bridge-search") { [self] in
            let preferred = state.withLock { $0.place } ?? 0
            let found = search.place(among: configuration, preferring: preferred, isCareful: true, stop: end)
            state.withLock { state in
                state.isSearching = false
                guard let found, state.place != nil, state.place != found else { return }
                state.steered = found
                link.steer(to: found)
            }
        }
        if !isBegun { state.withLock { $0.isSearching = false } }
        return isBegun
    }
}

/// The moments at which a reader should look for the bridge at other brokers. Pure; times are in seconds of the monotonic clock.
struct AbsenceWatch: Sendable {
    /// Seconds of absence before the first search: a return of the bridge takes a moment.
    static let patience = 5.0
    /// Seconds without limits after which a bridge that is called online is not believed to be: limits come each 15 s at least.
    private static let silence = 40.0
    private static let longestPause = 120.0

    private var isOnline = false
    /// Time of the last limits, or of the connection.
    private var heardAt = 0.0
    private var pause = patience
    /// Time of the next search; `nil`: the bridge is here, or there is no connection.
    private var nextAt: Double?
    private var isConnected = false

    mutating func connected(at now: Double) {
        (isConnected, isOnline, heardAt) = (true, false, now)
        nextAt = now + Self.patience
    }

    mutating func disconnected() { (isConnected, nextAt) = (false, nil) }

    mutating func heard(isOnline: Bool) { self.isOnline = isOnline }

    mutating func heardLimits(at now: Double) { heardAt = now }

    /// Returns `true` where a search should begin now; the next one is due after a longer pause.
    mutating func isDue(at now: Double) -> Bool {
        guard isConnected else { return false }
        guard !isOnline || now - heardAt > Self.silence else {
            (pause, nextAt) = (Self.patience, nil)
            return false
        }
        guard let due = nextAt else {
            nextAt = now + Self.patience
            return false
        }
        guard now >= due else { return false }
        pause = min(2 * pause, Self.longestPause)
        nextAt = now + pause
        return true
    }
}
