public import MQTT
import CMosquitto
public import LinuxIO
import Synchronization

/// A client that stays connected, to the best of its brokers: one network thread of its own, attempts forever with backoff, publishing only on a connection that the
/// broker accepted, and no message ever queued for a later connection.
///
/// ```swift
/// let link = MosquittoLink(configuration)
/// link.subscribe([Subscription("homeassistant/status")])
/// link.start()
/// for await event in link.events { ... }
/// ```
public final class MosquittoLink: Sendable {
    /// News of the connection, and messages, unless ``start(deliver:)`` got a function for them. The stream ends after ``stop(farewell:)``.
    public let events: LinkEvents
    let core: LinkCore
    private let continuation: HandoverStream<LinkEvent>.Continuation
    private let isStarted = Lock(false)

    /// Seconds that a return to the first broker takes at most before the broker that was left is tried again: the first one listens and
    /// does not answer, in either version.
    public static let longestReturn = LinkThread.longestReturn

    /// Seconds that a farewell may take; the end of the thread may take as long again.
    private static let patience = 0.8

    /// A client that is not yet connected.
    ///
    /// - Parameter random: source of jitter, 0 ..< 1.
    public init(
        _ configuration: LinkConfiguration,
        random: @escaping @Sendable () -> Double = { Double.random(in: 0..<1) }
    ) {
        // Connection news is a few events for each wait of a second or more, and each change of the line; messages are bounded by
        // the backlog.
        let (stream, continuation) = HandoverStream<LinkEvent>.make(.unbounded)
        let backlog = Backlog()
        core = LinkCore(configuration, backlog: backlog, random: random)
        events = LinkEvents(stream: stream, backlog: backlog)
        self.continuation = continuation
    }

    deinit { stop() }

    /// Messages that were dropped because nobody read them or they were too large.
    public var droppedMessages: Int { core.backlog.dropped }

    /// The broker has accepted this client on the present connection.
    public var isConnected: Bool { core.state.withLock { $0.isAccepted } }

    /// The broker that serves, or that is tried.
    public var broker: BrokerAddress { core.configuration.brokers[core.place.load(ordering: .relaxed)] }

    /// Turns to the broker at a place of the list and stays there, whether it serves or not. A broker that is left for it publishes the
    /// will.
    ///
    /// - Parameter place: `nil`: from the next attempt on the link chooses again.
    public func steer(to place: Int?) { core.steer(to: place) }

    /// Ends the present connection so that the broker publishes the will, and connects again.
    public func sendWill() { core.leaveForWill() }

    /// The heartbeat of the network thread: overdue when the thread hangs; at rest while there is no connection.
    public var heartbeat: Heartbeat { core.heartbeat }

    /// Starts the network thread; a second call does nothing.
    ///
    /// - Parameter deliver: takes the events instead of ``events``, on the network thread: no other thread has to wake up before a message
    ///   is looked at. The function may publish; while it runs, nothing is read from the broker.
    /// - Returns: `false` when the system has no thread to give.
    @discardableResult
    public func start(deliver: (@Sendable (LinkEvent) -> Void)? = nil) -> Bool {
        isStarted.withLock { isStarted in
            guard !isStarted else { return true }
            let (continuation, backlog) = (continuation, core.backlog)
            isStarted = LinkThread.start(
                core,
                deliver: deliver ?? { event in
                    if case .message(let message) = event, !backlog.admit(message.payload.count) { return }
                    continuation.yield(event)
                }, ended: { continuation.finish() })
            return isStarted
        }
    }

    /// Publishes on the present connection or not at all. The call never blocks on the network: while the line takes nothing, QoS 0
    /// messages wait, only the newest of each topic.
    @discardableResult
    public func publish(_ message: MQTTMessage) -> PublishOutcome { core.publish(message).0 }

    /// Subscribes now and after each reconnect.
    public func subscribe(_ subscriptions: [Subscription]) { core.subscribe(subscriptions) }

    /// Subscribes on the present connection alone, or not at all.
    public func subscribeOnce(_ subscriptions: [Subscription]) { core.subscribeOnce(subscriptions) }

    /// The first half of ``stop(farewell:)`` for a connection whose will says all that is to be said: the broker publishes it.
    public func beginStopWithWill() {
        core.state.withLock { $0.leavesWill = true }
        beginStop()
    }

    /// Sends the farewell, disconnects and ends the thread, within two seconds whatever the broker does. The broker does not send the will
    /// after a clean end, so the content of the will belongs in the farewell.
    public func stop(farewell: [MQTTMessage] = []) {
        if !core.isStopping {
            // No message may follow the farewell.
            core.state.withLock { $0.line.held = HeldMessages() }
            if !farewell.isEmpty { send(farewell) }
            beginStop()
        }
        if isStarted.withLock({ $0 }) {
            core.finished.wait(seconds: Self.patience)
        } else {
            continuation.finish()
        }
    }

    /// The first half of ``stop(farewell:)``, which does not wait: several links can then end in the time of one.
    public func beginStop() {
        core.state.withLock { $0.isStopping = true }
        core.stop.set()
        core.wake.set()
    }

    /// Sends messages, and waits until the broker has acknowledged those that it must acknowledge and the rest has left.
    private func send(_ messages: [MQTTMessage]) {
        core.pending.withLock { $0.isAwaited = true }
        let end = MonotonicTime.seconds() + Self.patience
        var awaited: [Int32] = []
        for message in messages where MonotonicTime.seconds() < end {
            let (outcome, identifier) = core.publish(message, mayWait: false)
            if outcome == .queued { awaited.append(identifier) }
        }
        while core.pending.withLock({ pending in awaited.contains { pending.sizes[$0] != nil } }) {
            guard core.progress.wait(seconds: end - MonotonicTime.seconds()) else { break }
            core.progress.clear()
        }
        core.pending.withLock { $0.isAwaited = false }
    }
}
