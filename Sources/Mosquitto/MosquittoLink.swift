import CMosquitto
import LinuxIO
import Synchronization

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
    /// News of the connection, and messages. Ends after ``stop(farewell:)``.
    public let events: LinkEvents
    private let core: LinkCore
    private let isStarted = Mutex(false)

    /// Seconds that a farewell may take, and as long again the end of the thread.
    private static let patience = 0.8

    /// A client that is not yet connected.
    ///
    /// - Parameter random: source of jitter, 0 ..< 1.
    public init(
        _ configuration: LinkConfiguration,
        random: @escaping @Sendable () -> Double = { Double.random(in: 0..<1) }
    ) {
        // Connection news is at most two events for each wait of a second or more; messages are bounded by the backlog.
        let (stream, continuation) = AsyncStream.makeStream(of: LinkEvent.self, bufferingPolicy: .unbounded)
        core = LinkCore(configuration, continuation, random: random)
        events = LinkEvents(stream: stream, backlog: core.backlog)
    }

    deinit { stop() }

    /// Messages that were dropped because nobody read them or they were too large.
    public var droppedMessages: Int { core.backlog.dropped }

    /// The broker has accepted this client on the present connection.
    public var isConnected: Bool { core.state.withLock { $0.isAccepted } }

    /// Starts the network thread; once.
    ///
    /// - Returns: `false` when the system has no thread to give.
    @discardableResult
    public func start() -> Bool {
        isStarted.withLock { isStarted in
            guard !isStarted else { return true }
            isStarted = LinkThread.start(core)
            return isStarted
        }
    }

    /// Publishes now or not at all. Never blocks on the network.
    @discardableResult
    public func publish(_ message: OutgoingMessage) -> PublishOutcome { core.publish(message).0 }

    /// Subscribes now and after each reconnect.
    public func subscribe(_ subscriptions: [Subscription]) { core.subscribe(subscriptions) }

    /// Says the last words, disconnects and ends the thread; within two seconds whatever the broker does. A will is not
    /// sent by the broker after a clean end, so what it would have said belongs into the farewell.
    public func stop(farewell: [OutgoingMessage] = []) {
        if !core.isStopping {
            if !farewell.isEmpty { send(farewell) }
            beginStop()
        }
        if isStarted.withLock({ $0 }) {
            core.finished.wait(seconds: Self.patience)
        } else {
            core.continuation.finish()
        }
    }

    /// The first half of ``stop(farewell:)``, which does not wait: to end several links in the time of one.
    public func beginStop() {
        core.state.withLock { state in
            state.isStopping = true
            // Only queued, and it wakes the loop; with a frozen broker the socket is closed all the same.
            if let handle = state.handle { mosquitto_disconnect(handle.pointer) }
        }
        core.stop.set()
    }

    /// Waits until the broker has taken what it must acknowledge, and the rest has left.
    private func send(_ messages: [OutgoingMessage]) {
        core.acknowledged.withLock { $0.isCollecting = true }
        var awaited = Set<Int32>()
        for message in messages {
            let (outcome, identifier) = core.publish(message)
            if outcome == .queued { awaited.insert(identifier) }
        }
        var rounds = 0
        while rounds < 100, !core.acknowledged.withLock({ awaited.isSubset(of: $0.identifiers) }) {
            guard core.progress.wait(seconds: Self.patience) else { break }
            core.progress.clear()
            rounds += 1
        }
        core.acknowledged.withLock { $0 = LinkCore.Acknowledged() }
    }
}
