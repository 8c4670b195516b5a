import CLinux
import Glibc
import LinuxIO
import Synchronization

/// Every signal that a person, a terminal or a limit of the system can raise: some ask for an end, one after the other, and the rest
/// is ignored. What is left to the system are crashes, SIGABRT for a core dump, and Ctrl-Z.
enum Signals {
    enum Request: Sendable {
        /// Leave cleanly.
        case stop
        /// Read the configuration again.
        case reload
        /// Leave cleanly: the processor time that the system allows is used up.
        case outOfTime
    }

    /// Ask for something. SIGALRM comes from a timer that outlived an exec, SIGPWR from an uninterruptible power supply, SIGXCPU from
    /// RLIMIT_CPU.
    private static let watched = [SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGALRM, SIGPWR, SIGXCPU]
    /// Would end the program, and ask for nothing that it has. A closed pipe and a file above RLIMIT_FSIZE are errors of the write, told
    /// where it is made.
    private static let ignored = [SIGPIPE, SIGXFSZ, SIGUSR1, SIGUSR2, SIGVTALRM, SIGPROF, SIGIO, SIGSTKFLT]
    /// Numbers of real-time signals, without those that the C library uses itself.
    private static let realTime: ClosedRange<Int32> = 34...64

    /// Collects signals from now on, for ``wait()``, ``requests()`` or ``release()``. The first thing of all: who is told to stop while it
    /// starts must end cleanly, too. Not by a mask: Swift's runtime has threads that signals reach in spite of it.
    static func hold() {
        for number in ignored + realTime { signal(number, SIG_IGN) }
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
        var before = sigaction()
        sigaction(SIGHUP, nil, &before)
        ignoredHangUp.store(clinux_ignores(&before) != 0, ordering: .relaxed)
        for number in watched { sigaction(number, &action, nil) }
    }

    /// What a bridge does in the background: a terminal that lets only the foreground write does not stop it, and a hang-up means
    /// "read again", whoever started it.
    static func serve() {
        for number in [SIGTTOU, SIGTTIN] { signal(number, SIG_IGN) }
    }

    /// Signals end the program, also one that came since ``hold()``: for commands that end by themselves or read until the end of a
    /// file.
    static func release() {
        let hasNoHangUp = ignoredHangUp.load(ordering: .relaxed)
        for number in watched { signal(number, number == SIGHUP && hasNoHangUp ? SIG_IGN : SIG_DFL) }
        if let number = next() { raise(number) }
    }

    /// The oldest request since ``hold()`` that nobody has heard; waits until there is one.
    static func wait() -> Request {
        while true {
            switch next() {
            case nil: break
            case SIGHUP: return .reload
            case SIGXCPU: return .outOfTime
            default: return .stop
            }
            _ = Poll.wait(for: readEnd.load(ordering: .relaxed), seconds: 3600)
        }
    }

    /// What ends a command that is no bridge: each request, a hang-up, too, for its terminal is gone then. `nohup` asks for the
    /// opposite, and gets it. For the rest of the process, so call it once.
    static func ends() -> AsyncStream<Void> {
        let (stream, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(8))
        let isListening = OwnThread.start("signals") {
            while true {
                if wait() == .reload, ignoredHangUp.load(ordering: .relaxed) { continue }
                continuation.yield()
            }
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
/// SIGHUP was ignored when the program started, as `nohup` makes it.
private let ignoredHangUp = Atomic<Bool>(false)

/// Runs in the middle of anything: a write and nothing else. A full pipe holds enough signals already.
private func collect(_ number: Int32) {
    let before = errno
    var byte = UInt8(truncatingIfNeeded: number)
    _ = write(writeEnd.load(ordering: .relaxed), &byte, 1)
    errno = before
}
