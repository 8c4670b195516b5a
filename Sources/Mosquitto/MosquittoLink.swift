import CMosquitto
public import LinuxIO

/// A client that stays connected: one network thread of its own, attempts for ever with back-off, publishing only on a
/// connection that the broker accepted, and nothing ever queued for a later one.
///
/// ```swift
/// let link = MosquittoLink(configuration)
/// link.subscribe([Subscription("homeassistant/status")])
/// link.start()
/// for await event in link.events { ... }
/// ```
public final class MosquittoLink: Sendable {
    /// News of the connection, and messages, unless ``start(deliver:)`` got a function for them. Ends after ``stop(farewell:)``.
    public let events: LinkEvents
    private let core: LinkCore
    private let continuation: HandoverStream<LinkEvent>.Continuation
    private let isStarted = Lock(false)

    /// Seconds that a farewell may take, and as long again the end of the thread.
    private static let patience = 0.8

    /// A client that is not yet connected.
    ///
    /// - Parameter random: source of jitter, 0 ..< 1.
    public init(
        _ configuration: LinkConfiguration,
        random: @escaping @Sendable () -> Double = { Double.random(in: 0..<1) }
    ) {
        // Connection news is a few events for each wait of a second or more, and each change of the pace; messages are bounded by
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

    /// Overdue when the network thread hangs; at rest while there is no connection.
    public var heartbeat: Heartbeat { core.heartbeat }

    /// Starts the network thread; once.
    ///
    /// - Parameter deliver: takes the events instead of ``events``, on the network thread: no other thread has to wake up before a
    ///   message is looked at. It may publish; while it runs nothing is read from the broker.
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

    /// Publishes on the present connection or not at all. Never blocks on the network: while the line takes nothing, a message of
    /// quality 0 waits, and of each topic the newest alone.
    @discardableResult
    public func publish(_ message: OutgoingMessage) -> PublishOutcome { core.publish(message).0 }

    /// Subscribes now and after each reconnect.
    public func subscribe(_ subscriptions: [Subscription]) { core.subscribe(subscriptions) }

    /// Says the last words, disconnects and ends the thread; within two seconds whatever the broker does. A will is not
    /// sent by the broker after a clean end, so what it would have said belongs into the farewell.
    public func stop(farewell: [OutgoingMessage] = []) {
        if !core.isStopping {
            // Nothing may follow the last words.
            core.state.withLock { $0.held = HeldMessages() }
            if !farewell.isEmpty { send(farewell) }
            beginStop()
        }
        if isStarted.withLock({ $0 }) {
            core.finished.wait(seconds: Self.patience)
        } else {
            continuation.finish()
        }
    }

    /// The first half of ``stop(farewell:)``, which does not wait: to end several links in the time of one.
    public func beginStop() {
        core.state.withLock { $0.isStopping = true }
        core.stop.set()
        core.wake.set()
    }

    /// Waits until the broker has taken what it must acknowledge, and the rest has left.
    private func send(_ messages: [OutgoingMessage]) {
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
