import CMosquitto
import LinuxIO
import Synchronization

/// The library's client. Only a pointer: whoever holds the mutex around it may use it, and the network thread alone
/// creates and destroys it.
struct Handle: @unchecked Sendable {
    let pointer: OpaquePointer
}

/// What the network thread, the callbacks and the owner share. It never refers to ``MosquittoLink``: a last release on
/// the network thread must not join that very thread.
final class LinkCore: Sendable {
    struct State: Sendable {
        /// The client of the present attempt.
        var handle: Handle?
        /// The broker accepted CONNECT on this connection: the only sign that publishing makes sense.
        var isAccepted = false
        var version = ProtocolVersion.v5
        var subscriptions: [Subscription] = []
        var isStopping = false
    }

    /// What callbacks leave for the thread that runs them.
    struct Report: Sendable {
        /// Answer to CONNECT, if one came; 0 is success.
        var connack: Int32?
        /// Lines of the library that tell causes.
        var lines: [String] = []
    }

    /// Messages that the broker has taken, while somebody waits for them.
    struct Acknowledged: Sendable {
        var isCollecting = false
        var identifiers: Set<Int32> = []
    }

    let configuration: LinkConfiguration
    let random: @Sendable () -> Double
    let state = Mutex(State())
    let report = Mutex(Report())
    /// Apart from ``state``: the library calls back about it while it holds locks that a publisher may want.
    let acknowledged = Mutex(Acknowledged())
    let backlog = Backlog()
    let continuation: AsyncStream<LinkEvent>.Continuation
    let stop = EventDescriptor()
    let finished = EventDescriptor()
    let progress = EventDescriptor()

    init(
        _ configuration: LinkConfiguration, _ continuation: AsyncStream<LinkEvent>.Continuation,
        random: @escaping @Sendable () -> Double
    ) {
        self.configuration = configuration
        self.continuation = continuation
        self.random = random
    }

    var isStopping: Bool { state.withLock { $0.isStopping } }

    /// Publishes on the accepted connection.
    ///
    /// - Returns: the outcome and the library's identifier of the message.
    func publish(_ message: OutgoingMessage) -> (PublishOutcome, Int32) {
        state.withLock { state in
            guard state.isAccepted, let handle = state.handle else { return (.notConnected, 0) }
            var identifier: Int32 = 0
            let length = Int32(truncatingIfNeeded: message.payload.count)
            let code: Int32
            if state.version == .v5 {
                let properties = PropertyList(message)
                code = mosquitto_publish_v5(
                    handle.pointer, &identifier, message.topic, length, message.payload, Int32(message.qos),
                    message.retain, properties.head)
            } else {
                code = mosquitto_publish(
                    handle.pointer, &identifier, message.topic, length, message.payload, Int32(message.qos),
                    message.retain)
            }
            switch code {
            case MOSQ_ERR_SUCCESS.rawValue: return (.queued, identifier)
            case MOSQ_ERR_OVERSIZE_PACKET.rawValue: return (.tooLarge, 0)
            default: return (.failed(code), 0)
            }
        }
    }

    /// Remembers filters and asks for them where there is a connection.
    func subscribe(_ subscriptions: [Subscription]) {
        state.withLock { state in
            let new = subscriptions.filter { !state.subscriptions.contains($0) }
            state.subscriptions += new
            if state.isAccepted, let handle = state.handle { Self.send(new, handle, state.version) }
        }
    }

    /// The broker accepted CONNECT; called on the network thread.
    func accepted() {
        let version = state.withLock { state in
            state.isAccepted = true
            if let handle = state.handle { Self.send(state.subscriptions, handle, state.version) }
            return state.version
        }
        continuation.yield(.connected(version, note: version == .v5 ? nil : Self.lostWithout5))
    }

    private static let lostWithout5 =
        "no message expires by itself and answers have no correlation: state, cells and limits are not retained there"

    private static func send(_ subscriptions: [Subscription], _ handle: Handle, _ version: ProtocolVersion) {
        // Where nothing keeps this client's own messages away, it goes without the others', too.
        for subscription in subscriptions where version == .v5 || !subscription.noLocal {
            let options = subscription.noLocal ? Int32(MQTT_SUB_OPT_NO_LOCAL.rawValue) : 0
            mosquitto_subscribe_v5(
                handle.pointer, nil, subscription.filter, Int32(subscription.qos), options, nil)
        }
    }
}
