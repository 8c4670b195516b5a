import HTTPServer
import History
import LinuxIO

/// Answers questions for the history on a thread of its own, one after the other. A question may take a tenth of a second, or longer on an
/// SD card, and the server's thread goes on answering everybody meanwhile.
final class HistoryDesk: Sendable {
    private struct Waiting: Sendable {
        let question: HistoryQuestion
        let answer: LaterAnswer
        /// The address or the network that asks; `nil`: this machine.
        let network: [UInt8]?
        /// Monotonic time at which nobody waits for the answer any more.
        let end: Double
    }

    private struct State: Sendable {
        var waiting: [Waiting] = []
        var isClosed = false
    }

    /// Questions that wait.
    static let most = 48
    /// Waiting questions of one IPv4 address or IPv6 network: three of them, which one machine can have, leave places to others. This machine has no
    /// such bound, because a reverse proxy may ask for many.
    static let mostOfNetwork = 14
    /// Seconds for which a browser waits for its answer.
    static let patience = 20.0

    let history: History
    private let mostOfNetwork: Int
    private let state = Lock(State())
    private let wake = EventDescriptor()
    private let finished = EventDescriptor()

    /// A desk whose thread is not started.
    init(_ history: History, mostOfNetwork: Int = HistoryDesk.mostOfNetwork) {
        (self.history, self.mostOfNetwork) = (history, mostOfNetwork)
        // Nothing runs: a close has nothing to wait for.
        finished.set()
    }

    /// Starts the thread, once.
    ///
    /// - Returns: `false` when the system has no thread to give.
    func start() -> Bool {
        finished.clear()
        let isStarted = OwnThread.start("questions") { [self] in
            while let one = next() {
                if MonotonicTime.seconds() < one.end { one.answer.give(one.question.answer()) }
            }
            finished.set()
        }
        if !isStarted { finished.set() }
        return isStarted
    }

    /// The answer to a question, or the promise of one.
    ///
    /// - Parameters:
    ///   - name: the last part of the question's address.
    ///   - network: the address or the network that asks; `nil`: this machine.
    func answer(
        _ battery: String, _ query: [String: String], _ name: String, from network: [UInt8]? = nil
    ) -> HTTPAnswer {
        let question = HistoryQuestion(name, history, battery, query)
        if let refusal = question.refusal { return refusal }
        let answer = LaterAnswer(
            within: Self.patience,
            otherwise: .error(
                503, "the history has not answered in \(Int(Self.patience)) s, because it has much to do: ask again"))
        let one = Waiting(
            question: question, answer: answer, network: network, end: MonotonicTime.seconds() + Self.patience)
        let refusal = state.withLock { state -> HTTPAnswer? in
            if state.isClosed { return Self.closed }
            let near = network == nil ? 0 : state.waiting.count { $0.network == network }
            guard state.waiting.count < Self.most, near < mostOfNetwork else {
                return .error(
                    503, "too many questions for the history wait for their answers: ask again in a few seconds")
            }
            state.waiting.append(one)
            return nil
        }
        if let refusal { return refusal }
        wake.set()
        return .later(answer)
    }

    /// Refuses what waits, and waits for the answer that is being made.
    ///
    /// - Returns: `false` when that is not made after so many seconds.
    @discardableResult
    func close(seconds: Double) -> Bool {
        let waiting = state.withLock { state in
            state.isClosed = true
            defer { state.waiting = [] }
            return state.waiting
        }
        for one in waiting { one.answer.give(Self.closed) }
        wake.set()
        return finished.wait(seconds: seconds)
    }

    private static let closed = HTTPAnswer.error(503, "the page's program ends")

    /// The next question, for which the thread waits; `nil`: there will be none.
    private func next() -> Waiting? {
        while true {
            let (one, isClosed) = state.withLock { state in
                (state.waiting.isEmpty ? nil : state.waiting.removeFirst(), state.isClosed)
            }
            if let one { return one }
            if isClosed { return nil }
            wake.wait(seconds: 3600)
            wake.clear()
        }
    }
}
