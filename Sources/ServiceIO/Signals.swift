import CLinux
import Glibc
import LinuxIO
import Synchronization

/// All signals that a person, a terminal or a limit of the system can raise: some are requests, which are handled one after the other,
/// and the rest is ignored. Crashes, SIGABRT for a core dump, and Ctrl-Z are left to the system.
package enum Signals {
    package enum Request: Sendable {
        /// A clean end.
        case stop
        /// Another reading of the configuration.
        case reload
        /// A clean end, because the processor time that the system allows is used up.
        case outOfTime
    }

    /// Signals that are requests. SIGALRM comes from a timer that outlived an exec, SIGPWR from an uninterruptible power supply,
    /// SIGXCPU from RLIMIT_CPU.
    private static let watched = [SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGALRM, SIGPWR, SIGXCPU]
    /// Signals that would end the program for nothing. A closed pipe and a file above RLIMIT_FSIZE are reported as errors of the
    /// write.
    private static let ignored = [SIGPIPE, SIGXFSZ, SIGUSR1, SIGUSR2, SIGVTALRM, SIGPROF, SIGIO, SIGSTKFLT]
    /// Numbers of real-time signals, without those that the C library uses itself.
    private static let realTime: ClosedRange<Int32> = 34...64

    /// Collects signals from now on, for ``wait()``, ``ends()`` or ``release()``. The program calls it early, because a request to stop
    /// during the start must end it cleanly, too. A mask would not do: Swift's runtime has threads that signals reach in spite of it.
    package static func hold() {
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

    /// Prepares a bridge for the background: a terminal that lets only the foreground write does not stop it. A hang-up means another
    /// reading of the configuration, under `nohup`, too.
    package static func serve() {
        for number in [SIGTTOU, SIGTTIN] { signal(number, SIG_IGN) }
    }

    /// Gives signals their default effect again, also one that came since ``hold()``, for commands that end by themselves or read
    /// until the end of a file. Under `nohup` a hang-up stays ignored.
    package static func release() {
        let hasNoHangUp = ignoredHangUp.load(ordering: .relaxed)
        for number in watched { signal(number, number == SIGHUP && hasNoHangUp ? SIG_IGN : SIG_DFL) }
        if let number = next() { raise(number) }
    }

    /// Waits for a request.
    ///
    /// - Returns: the oldest request since ``hold()`` that was not returned yet.
    package static func wait() -> Request {
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

    /// The requests that end a command other than `run`. A hang-up is one of them, because the terminal is gone then, but not under
    /// `nohup`. The stream lasts as long as the process, so this is to be called once.
    package static func ends() -> AsyncStream<Void> {
        let (stream, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(8))
        let isListening = OwnThread.start("signals") {
            while true {
                if wait() == .reload, ignoredHangUp.load(ordering: .relaxed) { continue }
                continuation.yield()
            }
        }
        // Without the thread a signal must end the program by its default effect.
        if !isListening { release() }
        return stream
    }

    /// The oldest signal that was not returned yet; `nil`: there is none.
    private static func next() -> Int32? {
        var number: UInt8 = 0
        return read(readEnd.load(ordering: .relaxed), &number, 1) == 1 ? Int32(number) : nil
    }
}

private let readEnd = Atomic<Int32>(-1)
private let writeEnd = Atomic<Int32>(-1)
/// SIGHUP was ignored when the program started, as `nohup` makes it.
private let ignoredHangUp = Atomic<Bool>(false)

/// Handles a signal, which may interrupt any code, by a write and nothing else. A full pipe holds enough signals already.
private func collect(_ number: Int32) {
    let before = errno
    var byte = UInt8(truncatingIfNeeded: number)
    _ = write(writeEnd.load(ordering: .relaxed), &byte, 1)
    errno = before
}
