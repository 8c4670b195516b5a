import LinuxIO
import MQTTBridge
import Mosquitto

/// Keeps the connections that open relays at the broker that serves the bridge. The will of a connection elsewhere would open nothing where
/// the device of the relay listens, so such a connection does not count. Where the bridge stays away while they go on, nobody could open a relay
/// any more: their wills are sent then.
final class GuardPlaces: Sendable {
    private struct State {
        /// Place of the broker that serves the bridge, or served it last; `nil`: none has yet.
        var bridge: Int?
        /// Places of the brokers that serve the connections, in the order of the guards.
        var guards: [Int?]
        /// The bridge has lost its connection.
        var isAway = false
        /// Time since which it is away; `nil` where it was away for too long.
        var lostAt: Double?
        /// Guards that had no connection when the wills were sent. A broker that was killed has sent none.
        var owed: Set<Int> = []
    }

    /// Seconds without a connection of the bridge after which relays open. A return to the first broker that fails takes less.
    static let longestAbsence = 15.0

    private let guards: [RelayGuard]
    private let state: Lock<State>
    /// Tells whether the connection of a guard counts. Called under the lock, so that the last word is the newest.
    private let tell: @Sendable (RelayGuard, Bool) -> Void
    /// Lets the connection of a guard turn to the broker at a place.
    private let steer: @Sendable (_ index: Int, _ place: Int) -> Void
    /// Lets the broker send the will of a guard.
    private let sendWill: @Sendable (_ index: Int) -> Void

    init(
        _ guards: [RelayGuard], tell: @escaping @Sendable (RelayGuard, Bool) -> Void,
        steer: @escaping @Sendable (_ index: Int, _ place: Int) -> Void,
        sendWill: @escaping @Sendable (_ index: Int) -> Void
    ) {
        self.guards = guards
        self.tell = tell
        self.steer = steer
        self.sendWill = sendWill
        state = Lock(State(guards: guards.map { _ in nil }))
    }

    /// Handles a broker that accepted the bridge, before the bridge says anything there.
    func bridgeConnected(at place: Int) {
        state.withLock { state in
            (state.lostAt, state.isAway, state.owed) = (nil, false, [])
            guard state.bridge != place else { return }
            state.bridge = place
            for (index, relayGuard) in guards.enumerated() {
                if let other = state.guards[index] { tell(relayGuard, other == place) }
                steer(index, place)
            }
        }
    }

    /// Handles the loss of the bridge's connection, and each attempt in vain that follows.
    ///
    /// - Parameter now: seconds of any clock that never jumps.
    func bridgeDisconnected(at now: Double) {
        // Without a place there was no connection, and no relay was closed.
        state.withLock { if $0.bridge != nil, !$0.isAway { ($0.lostAt, $0.isAway) = (now, true) } }
    }

    /// Lets the brokers send the wills of the guards when the bridge has been away for too long. To be called now and then.
    func step(at now: Double) {
        state.withLock { state in
            guard let lostAt = state.lostAt, now - lostAt >= Self.longestAbsence else { return }
            state.lostAt = nil
            for index in guards.indices {
                if state.guards[index] != nil { sendWill(index) } else { state.owed.insert(index) }
            }
        }
    }

    /// Handles a connection of a guard that came up.
    func guardConnected(_ relayGuard: RelayGuard, at place: Int) {
        state.withLock { state in
            let index = set(relayGuard, place, &state)
            tell(relayGuard, place == state.bridge ?? place)
            if let index, state.owed.remove(index) != nil { sendWill(index) }
        }
    }

    /// Handles a connection of a guard that went down.
    func guardDisconnected(_ relayGuard: RelayGuard) {
        state.withLock { state in
            set(relayGuard, nil, &state)
            tell(relayGuard, false)
        }
    }

    /// Notes the place of a guard.
    ///
    /// - Returns: its index.
    @discardableResult
    private func set(_ relayGuard: RelayGuard, _ place: Int?, _ state: inout State) -> Int? {
        guard let index = guards.firstIndex(of: relayGuard) else { return nil }
        state.guards[index] = place
        return index
    }
}
