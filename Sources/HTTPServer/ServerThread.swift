import CMicrohttpd
import Glibc
import LinuxIO

/// Everything that belongs to the server's thread.
final class ServerThread {
    /// Seconds that answers may still take at the end.
    private static let lastSeconds = 0.5
    private static let libraryToken: UInt64 = 0
    private static let wakeToken: UInt64 = 1
    /// Tokens from here on are event streams, whose clients hung up or say something.
    static let firstStream: UInt64 = 2

    let options: HTTPOptions
    let shared: SharedState
    let handler: HTTPServer.Handler
    var connections: [OpaquePointer: OpenConnection] = [:]
    var nextStream = ServerThread.firstStream
    /// A connection was closed in the last run of the library. At its bound the library forgets the listening socket, and remembers it at
    /// the beginning of a run alone.
    var hasRoom = false
    var pace = TurnPace()
    private(set) var epoll = Epoll()
    private var daemon: OpaquePointer?

    /// Takes over a listening socket, unless there is not enough of something.
    init?(_ listener: Int32, _ options: HTTPOptions, _ shared: SharedState, _ handler: @escaping HTTPServer.Handler) {
        (self.options, self.shared, self.handler) = (options, shared, handler)
        guard epoll.add(shared.wake.descriptor, token: Self.wakeToken) == 0 else { return nil }
        daemon = cmicrohttpd_start(
            listener, UInt32(options.connections), options.headMemory, UInt32(options.idleSeconds), callbacks(self))
        guard let daemon else { return nil }
        if epoll.add(cmicrohttpd_epoll(daemon), token: Self.libraryToken) != 0 {
            // The caller closes the listening socket.
            MHD_quiesce_daemon(daemon)
            MHD_stop_daemon(daemon)
            return nil
        }
    }

    /// Answers requests until the end.
    func run() {
        var seconds = 0.0
        while !isEnding {
            seconds = turn(seconds)
        }
        finish()
        shared.heartbeat.rest()
    }

    private var isEnding: Bool { shared.state.withLock { $0.isEnding } }

    /// Waits, and does what there is to do.
    ///
    /// - Returns: seconds until there is something to do without anything happening.
    private func turn(_ seconds: Double) -> Double {
        shared.heartbeat.rest()
        let count = epoll.wait(seconds: seconds)
        shared.heartbeat.beat()
        shared.count { $0.turns += 1 }
        for index in 0..<count {
            switch epoll.token(index) {
            case Self.libraryToken: break
            case Self.wakeToken: shared.wake.clear()
            // A reader of events has nothing to say: it has gone.
            case let id:
                guard let connection = connections.values.first(where: { $0.stream == id }) else { continue }
                // The library may need its time to notice, and this thread would not rest meanwhile.
                epoll.remove(connection.socket)
                connection.close(discards: true)
            }
        }
        let due = attend(MonotonicTime.seconds())
        guard let daemon else { return 0 }
        hasRoom = false
        MHD_run(daemon)
        if closeAbandoned() || hasRoom { return 0 }
        var milliseconds: UInt64 = 0
        let hasTimeout = MHD_get_timeout(daemon, &milliseconds) == cmicrohttpd_yes
        let wait = pace.wait(hasTimeout ? Double(milliseconds) / 1000 : nil)
        // What came up in MHD_run, such as new connections, has its time later than that.
        let later = min(due, nearest) - MonotonicTime.seconds()
        return max(0, min(later, wait ?? later))
    }

    /// Watches for the end of a stream's client. A closed socket is watched no longer.
    func watch(_ socket: Int32, stream: UInt64) { _ = epoll.add(socket, token: stream) }

    /// Closes everything. Streams end, and answers under way get some time.
    private func finish() {
        guard let daemon else { return }
        let listener = MHD_quiesce_daemon(daemon)
        if listener >= 0 { close(listener) }
        let end = MonotonicTime.seconds() + Self.lastSeconds
        repeat {
            for connection in connections.values { connection.resume() }
            MHD_run(daemon)
            shared.wake.clear()
            _ = epoll.wait(seconds: 0.01)
        } while connections.values.contains(where: \.isBusy) && MonotonicTime.seconds() < end
        // The library forbids to stop while a connection is suspended.
        for connection in connections.values { connection.resume() }
        MHD_stop_daemon(daemon)
        self.daemon = nil
    }
}

extension OpenConnection {
    /// A request is being answered.
    fileprivate var isBusy: Bool { if case .waiting = phase { false } else { true } }
}
