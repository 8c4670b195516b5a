import CLinux
import Glibc
import LinuxIO
import Synchronization

/// SIGTERM, SIGINT and SIGHUP, one after the other; SIGPIPE is ignored.
enum Signals {
    enum Request: Sendable {
        /// Leave cleanly.
        case stop
        /// Read the configuration again.
        case reload
    }

    private static let watched = [SIGTERM, SIGINT, SIGHUP]

    /// Collects signals from now on, for ``wait()``, ``requests()`` or ``release()``. The first thing of all: who is told to stop while it
    /// starts must end cleanly, too. Not by a mask: Swift's runtime has threads that signals reach in spite of it.
    static func hold() {
        signal(SIGPIPE, SIG_IGN)
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { return }
        for end in ends {
            _ = clinux_fcntl(end, F_SETFD, FD_CLOEXEC)
            _ = clinux_fcntl(end, F_SETFL, O_NONBLOCK)
        }
        readEnd.store(ends[0], ordering: .relaxed)
        writeEnd.store(ends[1], ordering: .relaxed)
        var action = sigaction()
        action.__sigaction_handler.sa_handler = collect
        action.sa_flags = SA_RESTART
        for number in watched { sigaction(number, &action, nil) }
    }

    /// Signals end the program, also one that came since ``hold()``: for commands that end by themselves or read until the end of a
    /// file.
    static func release() {
        for number in watched { signal(number, SIG_DFL) }
        if let number = next() { raise(number) }
    }

    /// The oldest request since ``hold()`` that nobody has heard; waits until there is one.
    static func wait() -> Request {
        while true {
            if let number = next() { return number == SIGHUP ? .reload : .stop }
            _ = Poll.wait(for: readEnd.load(ordering: .relaxed), seconds: 3600)
        }
    }

    /// What ``wait()`` gives, as a stream; for the rest of the process, so call it once.
    static func requests() -> AsyncStream<Request> {
        let (stream, continuation) = AsyncStream.makeStream(of: Request.self, bufferingPolicy: .bufferingNewest(8))
        let isListening = OwnThread.start("signals") {
            while true { continuation.yield(wait()) }
        }
        // Better an end by the signal than none.
        if !isListening { release() }
        return stream
    }

    /// The oldest signal that nobody has heard.
    private static func next() -> Int32? {
        var number: UInt8 = 0
        return read(readEnd.load(ordering: .relaxed), &number, 1) == 1 ? Int32(number) : nil
    }
}

private let readEnd = Atomic<Int32>(-1)
private let writeEnd = Atomic<Int32>(-1)

/// Runs in the middle of anything: a write and nothing else. A full pipe holds enough signals already.
private func collect(_ number: Int32) {
    let before = errno
    var byte = UInt8(truncatingIfNeeded: number)
    _ = write(writeEnd.load(ordering: .relaxed), &byte, 1)
    errno = before
}
