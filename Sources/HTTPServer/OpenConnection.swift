import CLinux
import CMicrohttpd
import Glibc

/// A connection on the server's thread.
final class OpenConnection {
    /// How far the request of the connection is.
    enum Phase {
        /// Nothing but, perhaps, the request line is there.
        case waiting
        /// The head is there.
        case receiving(RequestHead, isTooLong: Bool)
        /// The answer is owed; the library has suspended the connection.
        case owed(LaterAnswer, isHead: Bool, until: Double)
        /// The answer is on its way.
        case answering
        /// Events are on their way.
        case streaming(UInt64)
    }

    /// The library's connection, valid until it says that the connection is closed.
    let handle: OpaquePointer
    let socket: Int32
    let peer: PeerAddress
    unowned let thread: ServerThread
    var phase = Phase.waiting
    /// The target of the request line, as it came.
    var target: [UInt8] = []
    /// Bytes of the body that were not kept.
    var surplus = 0
    /// Bytes of the answer that is on its way.
    var answerBytes = 0
    /// Time at which the connection is closed.
    var deadline: Double
    /// The library does nothing with the connection until it is resumed.
    private(set) var isSuspended = false
    private(set) var isClosing = false

    init(_ handle: OpaquePointer, _ thread: ServerThread, deadline: Double) {
        self.handle = handle
        self.thread = thread
        self.deadline = deadline
        socket = cmicrohttpd_socket(handle)
        peer = PeerAddress(cmicrohttpd_peer(handle))
        // Data for a peer that is gone would else wait for a quarter of an hour.
        Listener.set(socket, Int32(IPPROTO_TCP), TCP_USER_TIMEOUT, 60_000)
        // Without a bound the system takes megabytes for a client that does not read, and keeps them after the connection's end.
        limitBuffer(65_536)
    }

    var stream: UInt64? { if case .streaming(let id) = phase { id } else { nil } }

    func suspend() {
        guard !isSuspended else { return }
        isSuspended = true
        MHD_suspend_connection(handle)
    }

    func resume() {
        guard isSuspended else { return }
        isSuspended = false
        MHD_resume_connection(handle)
    }

    /// Closes the connection. The library has no function for that; it notices that the socket is shut.
    ///
    /// - Parameter discards: true throws away what the peer did not take yet.
    func close(discards: Bool = false) {
        deadline = .infinity
        guard !isClosing else { return }
        isClosing = true
        if discards {
            var none = linger(l_onoff: 1, l_linger: 0)
            setsockopt(socket, SOL_SOCKET, SO_LINGER, &none, socklen_t(MemoryLayout<linger>.size))
        }
        shutdown(socket, Int32(SHUT_RDWR))
        resume()
    }

    /// The request is not whole, and nothing will follow.
    var isAbandoned: Bool {
        switch phase {
        case .waiting, .receiving:
            var byte: UInt8 = 0
            return !isClosing && recv(socket, &byte, 1, Int32(MSG_PEEK | MSG_DONTWAIT)) == 0
        case .owed, .answering, .streaming: return false
        }
    }

    /// Lets the system keep few bytes that the peer has not taken. It counts twice as many, for its own needs.
    func limitBuffer(_ bytes: Int32) { Listener.set(socket, SOL_SOCKET, SO_SNDBUF, bytes) }
}
