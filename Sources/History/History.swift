public import HistoryData
import LinuxIO

/// The history of batteries in a file: reports in, plots out.
///
/// Reports are collected in memory and never wait. The owner calls ``commit(at:)`` once a minute from a thread that may wait for the disk;
/// what came since is lost if the process is killed. Questions can be asked from any thread; they see what was committed.
public final class History: Sendable {
    private struct Reading: Sendable {
        var database: Database?
        var generation = 0
    }

    private let path: String
    private let options: HistoryOptions
    private let intake: Lock<Intake>
    private let writer: Lock<HistoryWriter>
    private let reading = Lock(Reading())
    /// What readers have to know of the writer, who may wait for the disk while he holds his lock.
    private let shared = Lock(Shared())

    private struct Shared: Sendable {
        var status = HistoryStatus()
        var generation = 0
        var isOpen = false
        /// A question found damage.
        var isDamaged = false
    }

    /// A history in a file, which nothing is done to yet.
    public convenience init(_ path: String, _ options: HistoryOptions = HistoryOptions()) {
        self.init(HistoryFile(path: path), options)
    }

    /// A history that another process may be writing: for questions alone. ``open()`` and ``commit(at:)`` may not be called.
    public convenience init(reading path: String) {
        self.init(HistoryFile(path: path), HistoryOptions())
        shared.withLock { $0.isOpen = true }
    }

    init(_ file: HistoryFile, _ options: HistoryOptions) {
        path = file.path
        self.options = options
        intake = Lock(Intake(options.days))
        writer = Lock(HistoryWriter(file, options))
    }

    deinit { writer.withLock { $0.close() } }

    /// Takes a report of a battery, one a second at most; never waits for the disk.
    public func add(_ sample: HistorySample, of battery: String) { intake.withLock { $0.add(sample, of: battery) } }

    /// Takes an event; never waits for the disk.
    public func add(_ event: HistoryEvent, of battery: String) { intake.withLock { $0.add(event, of: battery) } }

    /// Takes a limit; one with the value and the name of the last is no change. Never waits for the disk.
    public func add(_ change: LimitChange, of battery: String) { intake.withLock { $0.add(change, of: battery) } }

    /// Opens the file before the first report, so that energy counters continue where they were. ``commit(at:)`` does it, too, and tries
    /// again when it failed.
    ///
    /// - Returns: sentences for the log.
    public func open() -> [String] { work { _, _ throws(HistoryFailure) in } }

    /// Writes what came since the last commit, in one transaction; may wait for the disk. What cannot be written stays in memory, in
    /// bounds, for the next time.
    ///
    /// - Parameter now: seconds since 1970.
    /// - Returns: sentences for the log: a failure when it begins or changes, its end, a file that was set aside.
    public func commit(at now: Double) -> [String] {
        work { writer, say throws(HistoryFailure) in
            let batch = intake.withLock { $0.take() }
            do throws(HistoryFailure) {
                try writer.write(batch, now: now)
            } catch {
                intake.withLock { $0.putBack(batch) }
                guard error.kind == .damaged else { throw error }
                try writer.setAside(say)
                try open(&writer, say)
                return
            }
            if let battery = intake.withLock({ $0.takeRefused() }) {
                say(
                    "\(path): as many batteries are recorded as there may be (\(Intake.mostBatteries)), so '\(battery)' is not: "
                        + "one that says nothing for a day makes room")
            }
            try writer.tidy()
        }
    }

    /// Commits, closes the file and lets other processes have it.
    public func close(at now: Double) -> [String] {
        let sentences = commit(at: now)
        reading.withLock { $0.database = nil }
        writer.withLock { $0.close() }
        shared.withLock { $0.isOpen = false }
        return sentences
    }

    /// The condition after the last commit.
    public var status: HistoryStatus {
        var status = shared.withLock { $0.status }
        status.dropped = intake.withLock { $0.dropped }
        return status
    }

    private func work(
        _ body: (inout HistoryWriter, (String) -> Void) throws(HistoryFailure) -> Void
    ) -> [String] {
        writer.withLock { writer in
            var sentences: [String] = []
            let before = writer.status.failure
            do throws(HistoryFailure) {
                if shared.withLock({ $0.isDamaged }), writer.isOpen { try writer.setAside { sentences.append($0) } }
                try open(&writer) { sentences.append($0) }
                try body(&writer) { sentences.append($0) }
                writer.note(nil)
                if before != nil { sentences.append("\(path): the history is being written again") }
            } catch {
                writer.note(error)
                if error != before { sentences.append("the history is not written: \(error)") }
            }
            shared.withLock { shared in
                if writer.generation != shared.generation { shared.isDamaged = false }
                (shared.status, shared.generation) = (writer.status, writer.generation)
                shared.isOpen = writer.isOpen
            }
            return sentences
        }
    }

    private func open(_ writer: inout HistoryWriter, _ say: (String) -> Void) throws(HistoryFailure) {
        try writer.open(say) { battery, counters in intake.withLock { $0.restore(counters, of: battery) } }
    }

    /// Asks a question; the connection is kept for the next.
    func read<Answer>(
        _ body: (HistoryReader) throws(HistoryFailure) -> Answer
    ) throws(HistoryFailure) -> Answer {
        let (isOpen, generation, failure) = shared.withLock { ($0.isOpen, $0.generation, $0.status.failure) }
        guard isOpen else { throw failure ?? Self.notOpen(path) }
        return try reading.withLock { reading throws(HistoryFailure) in
            do throws(HistoryFailure) {
                if reading.generation != generation { reading.database = nil }
                if reading.database == nil {
                    reading = Reading(database: try Database(path, readOnly: true), generation: generation)
                }
                guard let database = reading.database else { throw Self.notOpen(path) }
                return try body(HistoryReader(database: database, days: options.days))
            } catch {
                reading.database = nil
                if error.kind == .damaged { shared.withLock { $0.isDamaged = $0.generation == generation } }
                throw error
            }
        }
    }

    private static func notOpen(_ path: String) -> HistoryFailure {
        HistoryFailure(kind: .other, description: "\(path): the history is not open")
    }
}
