public import LinuxIO

/// An HTTP server on one thread of its own. Answers are made on that thread; events are sent from any.
public final class HTTPServer: Sendable {
    /// Answers a request, on the server's thread: what takes long is answered by a ``LaterAnswer``.
    public typealias Handler = @Sendable (HTTPRequest) -> HTTPAnswer

    private let options: HTTPOptions
    private let handler: Handler
    private let shared = SharedState()

    /// A server that is not started.
    public init(_ options: HTTPOptions, _ handler: @escaping Handler) {
        self.options = options
        self.handler = handler
        // Nothing runs: a stop has nothing to wait for.
        shared.finished.set()
    }

    deinit { shared.end() }

    /// Listens, and starts the thread. To be called once.
    ///
    /// - Throws: the reason why nobody can listen there.
    public func start() throws(HTTPFault) {
        let listener = try Listener.open(options)
        shared.state.withLock { $0.port = listener.port }
        shared.finished.clear()
        let outcome = Lock<Bool?>(nil)
        let known = EventDescriptor()
        let hasThread = OwnThread.start("http") { [options, handler, shared] in
            let thread = ServerThread(listener.descriptor, options, shared, handler)
            outcome.withLock { $0 = thread != nil }
            known.set()
            thread?.run()
            shared.finished.set()
        }
        guard hasThread else {
            listener.close()
            shared.finished.set()
            throw HTTPFault(
                "the system has no thread for the web server: raise the limit of threads (systemd: TasksMax)")
        }
        while outcome.withLock({ $0 }) == nil { known.wait(seconds: 3600) }
        guard outcome.withLock({ $0 }) == true else {
            listener.close()
            throw HTTPFault("the system has no memory or no descriptors for the web server")
        }
    }

    /// The port on which the server listens; 0 before it is started.
    public var port: Int { shared.state.withLock { $0.port } }

    /// The thread's sign of life: overdue while a handler hangs.
    public var heartbeat: Heartbeat { shared.heartbeat }

    /// What happened since the start.
    public var counters: HTTPCounters { shared.counters }

    /// Sends an event to all open streams whose tag is accepted. Never waits: a reader that is too slow for it is dropped.
    ///
    /// - Parameters:
    ///   - event: the kind of event, one line.
    ///   - accepts: called for each stream, while the streams are locked: it may not call the server.
    public func send(event: String, data: [UInt8], to accepts: (String) -> Bool) {
        let text = ServerEvent.text(event, data)
        if shared.send(text, limit: options.streamBytes, at: MonotonicTime.seconds(), to: accepts) { shared.wake.set() }
    }

    /// Ends all streams and connections, and waits for the end of the thread.
    ///
    /// - Returns: `false` when the thread is still in a handler after so many seconds.
    @discardableResult
    public func stop(seconds: Double) -> Bool {
        shared.end()
        return shared.finished.wait(seconds: seconds)
    }
}

/// Counts of a server.
public struct HTTPCounters: Hashable, Sendable {
    /// Requests that a handler answered.
    public var requests = 0
    /// Requests and connections that were refused before a handler saw them.
    public var refused = 0
    /// Readers of event streams that were too slow.
    public var droppedReaders = 0
    /// Connections that are open.
    public var connections = 0
    /// Event streams that are open.
    public var streams = 0
    /// Turns of the thread, for tests.
    var turns = 0
}

/// The reason why a server cannot start.
public struct HTTPFault: Error, Hashable, Sendable, CustomStringConvertible {
    /// A sentence without its full stop: what happened, and what to do.
    public let description: String

    init(_ text: String) { description = text }
}
