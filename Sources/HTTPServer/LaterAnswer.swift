import LinuxIO

/// An answer that a handler owes: a slow question does not hold up the others. It may be given once, from any thread.
public final class LaterAnswer: Sendable {
    private struct State: Sendable {
        var answer: HTTPAnswer?
        var wake: EventDescriptor?
    }

    /// Seconds until the reader gets ``substitute`` instead.
    public let seconds: Double
    /// The answer when none was given in time.
    public let substitute: HTTPAnswer
    private let state = Lock(State())

    /// An answer that is owed within some seconds.
    public init(within seconds: Double, otherwise substitute: HTTPAnswer) {
        (self.seconds, self.substitute) = (seconds, substitute)
    }

    /// Gives the answer; only the first one counts.
    public func give(_ answer: HTTPAnswer) {
        let wake = state.withLock { state in
            if state.answer == nil { state.answer = answer }
            return state.wake
        }
        wake?.set()
    }

    /// The answer that was given.
    var answer: HTTPAnswer? { state.withLock { $0.answer } }

    /// Wakes the server's thread when the answer is given.
    func attach(_ wake: EventDescriptor) { state.withLock { $0.wake = wake } }
}
