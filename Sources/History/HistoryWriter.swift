import CLinux
import Glibc
import HistoryData
import LinuxIO

/// The side that writes: one transaction with each commit, nothing in between.
struct HistoryWriter: Sendable {
    private let file: HistoryFile
    private let options: HistoryOptions
    private var lock: Int32?
    private var database: Database?
    private(set) var status = HistoryStatus()
    /// Changes with each file that is opened: readers of an earlier one must open anew.
    private(set) var generation = 0

    init(_ file: HistoryFile, _ options: HistoryOptions) {
        self.file = file
        self.options = options
    }

    var isOpen: Bool { database != nil }

    /// Opens the file where that is not done.
    ///
    /// - Parameter restore: takes the readings of energy counters that the file has.
    mutating func open(
        _ say: (String) -> Void, _ restore: (String, Counters) -> Void
    ) throws(HistoryFailure) {
        guard database == nil else { return }
        if lock == nil { lock = try file.lock() }
        let database = try file.open(say)
        try database.each(
            """
            SELECT name, energyIn, energyInTime, lifetimeIn, energyOut, energyOutTime, lifetimeOut FROM batteries
            """, []
        ) { row in
            func counter(_ column: Int32) -> EnergyCounter? {
                guard let last = row.optional(column), let time = row.optional(column + 1),
                    BelievedTime.contains(Double(time))
                else { return nil }
                return EnergyCounter(last: last, time: Double(time), lifetime: row.optional(column + 2))
            }
            restore(row.text(0), Counters(energyIn: counter(1), energyOut: counter(4)))
        }
        self.database = database
        generation += 1
    }

    /// Writes a batch, or nothing of it.
    mutating func write(_ batch: Batch, now: Double) throws(HistoryFailure) {
        guard let database else { return }
        var writer = BatchWriter(database, options)
        try database.transaction { () throws(DatabaseError) in try writer.write(batch, now: now) }
        status.commits += 1
    }

    /// Removes what is too much; what was written stays written if this fails.
    mutating func tidy() throws(HistoryFailure) {
        guard let database else { return }
        try Retention(database, options).shrink(to: options.fileBytes)
        status.bytes = FileStatus(path: file.path)?.size ?? 0
    }

    /// Takes note of how a commit ended.
    mutating func note(_ failure: HistoryFailure?) {
        status.failure = failure
        if failure != nil { status.failures += 1 }
    }

    mutating func setAside(_ say: (String) -> Void) throws(HistoryFailure) {
        database = nil
        try file.setAside("is damaged", say)
    }

    /// Closes the file and lets others have it.
    mutating func close() {
        if let database { try? database.run("PRAGMA wal_checkpoint(TRUNCATE)") }
        database = nil
        if let lock {
            // A program that is being started just now has a copy of the descriptor, which would hold the lock for a moment longer.
            flock(lock, LOCK_UN)
            Glibc.close(lock)
        }
        lock = nil
    }
}
