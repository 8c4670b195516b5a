import LinuxIO
import MQTTBridge

/// Writes the packs' states to disk on a thread of its own, and sends the answers that wait for it, in their order: a card that
/// takes seconds for a write must hold up neither limits nor time.
final class StateKeeper: Sendable {
    /// What is learned in between may be lost to a power cut.
    private static let saveSeconds = 1800.0
    /// Answers that wait; more are dropped, the oldest first. Whoever asked has given up long before.
    private static let longestQueue = 1024

    private struct Work: Sendable {
        var saves: Set<String> = []
        var answers: [CommandAnswer] = []
        var isEnding = false
    }

    private let store: StateStore?
    private let log: Log
    private let work = Lock(Work())
    private let event = EventDescriptor()
    private let finished = EventDescriptor()

    init(_ store: StateStore?, log: Log) {
        self.store = store
        self.log = log
    }

    /// Keeps the states of some packs, then answers.
    func keep(_ saves: Set<String>, _ answers: [CommandAnswer]) {
        work.withLock { work in
            work.saves.formUnion(saves)
            work.answers += answers
            work.answers.removeFirst(max(0, work.answers.count - Self.longestQueue))
        }
        event.set()
    }

    /// Starts the thread.
    ///
    /// - Returns: `false` when the system has no thread to give.
    func start(_ runtime: BridgeRuntime) -> Bool {
        OwnThread.start("state") { [self] in
            run(runtime)
            finished.set()
        }
    }

    /// Keeps everything a last time and ends the thread.
    func finish(seconds: Double) {
        work.withLock { $0.isEnding = true }
        event.set()
        finished.wait(seconds: seconds)
    }

    private func run(_ runtime: BridgeRuntime) {
        var nextSave = MonotonicTime.seconds() + Self.saveSeconds
        while true {
            event.wait(seconds: nextSave - MonotonicTime.seconds())
            event.clear()
            let todo = work.withLock { work in
                defer { work = Work(isEnding: work.isEnding) }
                return work
            }
            let savesAll = todo.isEnding || MonotonicTime.seconds() >= nextSave
            if savesAll { nextSave = MonotonicTime.seconds() + Self.saveSeconds }
            let failure = save(savesAll ? nil : todo.saves, runtime)
            for answer in todo.answers { runtime.publish(answer.messages(failure: todo.saves.isEmpty ? nil : failure)) }
            if todo.isEnding { return }
        }
    }

    /// Keeps some packs or all.
    ///
    /// - Returns: why one could not be kept; `nil`: all were.
    private func save(_ ids: Set<String>?, _ runtime: BridgeRuntime) -> String? {
        guard ids?.isEmpty != true else { return nil }
        guard let store else { return "there is no state directory" }
        let states = runtime.states().filter { ids?.contains($0.key) != false }
        let failures = store.save(states, wall: Clock.now().wall).sorted { $0.key < $1.key }
        for (id, reason) in failures {
            log.warning("pack \(id): \(reason): settings and what is learned will be lost with a restart")
        }
        return failures.first?.value
    }
}
