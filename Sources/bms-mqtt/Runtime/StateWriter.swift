import LinuxIO
import BatteryEngine
import MQTTBridge
import ServiceIO

/// Writes the packs' states to disk on a thread of its own, and sends the answers that wait for it, in their order: a card that
/// takes seconds for a write must hold up neither limits nor time.
final class StateWriter: Sendable {
    /// Seconds between two writes of all packs; a power cut loses no more of the learned values.
    private static let saveSeconds = 1800.0
    /// Seconds between two writes of the packs whose limits or trims have moved; a crash loses no more of them.
    private static let lookSeconds = 60.0
    /// Seconds before the first of these writes, so that a program that dies each minute has one.
    private static let firstLookSeconds = 15.0
    /// Largest number of answers that wait. The oldest ones are dropped first, because their clients have given up long before.
    private static let longestQueue = 1024

    private struct Work: Sendable {
        var saves: Set<String> = []
        var answers: [CommandAnswer] = []
        /// New content of ``StateWriter/announced``; `nil`: nothing has changed.
        var announced: AnnouncedPacks?
        var isEnding = false
        /// Events to set when the answers of this work are sent.
        var waiters: [EventDescriptor] = []
    }

    private let store: StateStore?
    private let log: Log
    private let work = Lock(Work())
    /// Packs whose announcements the broker holds, also those of packs that have left the configuration.
    private let announced: Lock<AnnouncedPacks>
    private let owner: String
    private let event = EventDescriptor()
    private let finished = EventDescriptor()

    /// - Parameters:
    ///   - announced: packs whose announcements the broker holds, also those of packs that have left the configuration.
    ///   - isKept: the file of announced packs is up to date.
    ///   - owner: client id of the bridge.
    init(
        _ store: StateStore?, announced: AnnouncedPacks = [:], isKept: Bool = true, owner: String = "", log: Log
    ) {
        self.store = store
        self.announced = Lock(announced)
        self.owner = owner
        self.log = log
        if !isKept { work.withLock { $0.announced = announced } }
    }

    /// Forgets packs that have left the configuration and whose announcements are removed everywhere.
    ///
    /// - Parameter cleared: packs with the names of the brokers at which nothing is left of them.
    func settle(_ packs: [DepartedPack], cleared: AnnouncedPacks) {
        let left = announced.withLock { announced in
            announced.merge(cleared) { _, new in new }
            for pack in packs { announced[pack] = nil }
            return announced
        }
        work.withLock { $0.announced = left }
        event.set()
    }

    /// Writes the states of some packs and banks, then sends the answers.
    func enqueue(_ saves: Set<String>, _ answers: [CommandAnswer]) {
        work.withLock { work in
            work.saves.formUnion(saves)
            work.answers += answers
            work.answers.removeFirst(max(0, work.answers.count - Self.longestQueue))
        }
        event.set()
    }

    /// Starts the thread.
    ///
    /// - Returns: `false` if the system allows no more threads.
    func start(_ runtime: BridgeRuntime) -> Bool {
        OwnThread.start("state") { [self] in
            run(runtime)
            finished.set()
        }
    }

    /// Waits until the answers that are due are sent, because the connection is about to end; a disk that hangs takes all of the time.
    func sendAnswers(seconds: Double) {
        let sent = EventDescriptor()
        work.withLock { $0.waiters.append(sent) }
        event.set()
        sent.wait(seconds: seconds)
    }

    /// Writes everything a last time and ends the thread.
    func finish(seconds: Double) {
        work.withLock { $0.isEnding = true }
        event.set()
        finished.wait(seconds: seconds)
    }

    private func run(_ runtime: BridgeRuntime) {
        var nextSave = MonotonicTime.seconds() + Self.saveSeconds
        var nextLook = MonotonicTime.seconds() + Self.firstLookSeconds
        var written = WrittenStates()
        event.set()
        while true {
            event.wait(seconds: nextLook - MonotonicTime.seconds())
            event.clear()
            let todo = work.withLock { work in
                defer { work = Work(isEnding: work.isEnding) }
                return work
            }
            let now = MonotonicTime.seconds()
            if let packs = todo.announced { saveAnnounced(packs) }
            let savesAll = todo.isEnding || now >= nextSave
            if savesAll { nextSave = now + Self.saveSeconds }
            let looks = savesAll || now >= nextLook
            if looks { nextLook = now + Self.lookSeconds }
            let failure = save(
                todo.saves, looks: looks, all: savesAll, isEnding: todo.isEnding, &written, runtime)
            for answer in todo.answers { runtime.publish(answer.messages(failure: todo.saves.isEmpty ? nil : failure)) }
            for waiter in todo.waiters { waiter.set() }
            if todo.isEnding { return }
        }
    }

    private func saveAnnounced(_ packs: AnnouncedPacks) {
        guard let store, !packs.isEmpty, let reason = store.saveAnnounced(packs, owner) else { return }
        log.warning("\(reason): a pack that leaves the configuration while the bridge is stopped will look online")
    }

    /// Writes the totals of some banks; `nil`: of all.
    private func saveBanks(_ ids: Set<String>?, _ store: StateStore, isEnding: Bool, _ runtime: BridgeRuntime) {
        guard ids?.isEmpty != true else { return }
        for (id, state) in runtime.bankStates(isEnding: isEnding) where ids?.contains(id) != false {
            guard let reason = store.saveBank(state, id, wall: Clock.now().wall) else { continue }
            log.warning("bank \(id): \(reason): its energy totals will be lost with a restart")
        }
    }

    /// Writes the packs and banks with some ids.
    ///
    /// - Parameters:
    ///   - looks: packs whose limits or trims have moved are written, too.
    ///   - all: all packs and banks are written.
    /// - Returns: the reason why a pack could not be written; `nil`: there is none.
    private func save(
        _ ids: Set<String>, looks: Bool, all: Bool, isEnding: Bool, _ written: inout WrittenStates,
        _ runtime: BridgeRuntime
    ) -> String? {
        guard looks || !ids.isEmpty else { return nil }
        guard let store else { return ids.isEmpty && !all ? nil : "there is no state directory" }
        let now = StateMoment.now()
        saveBanks(all ? nil : ids, store, isEnding: isEnding, runtime)
        let seconds = MonotonicTime.seconds()
        let states = runtime.states().filter { id, state in
            all || ids.contains(id) || looks && written.isWorthWriting(state, id, at: seconds)
        }
        guard !states.isEmpty else { return nil }
        let failures = store.save(states, at: now).sorted { $0.key < $1.key }
        written.note(states, except: Set(failures.map(\.key)), at: seconds)
        for (id, reason) in failures {
            log.warning("pack \(id): \(reason): settings and learned values will be lost with a restart")
        }
        return failures.first?.value
    }
}

/// The states on the disk, with the times of their writes in seconds.
struct WrittenStates {
    private var written: [String: (state: PackState, at: Double)] = [:]

    /// Returns `true` if a pack's state differs from the disk's in a way that matters after a crash.
    func isWorthWriting(_ state: PackState, _ id: String, at seconds: Double) -> Bool {
        guard let old = written[id] else { return true }
        return state.isWorthWriting(after: old.state, milliseconds: Int64(max(0, seconds - old.at) * 1000))
    }

    /// Records the packs that were written.
    mutating func note(_ states: [String: PackState], except failed: Set<String>, at seconds: Double) {
        for (id, state) in states where !failed.contains(id) { written[id] = (state, seconds) }
    }
}
