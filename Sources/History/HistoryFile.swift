import CLinux
import Glibc
import LinuxIO

/// Opens the file, sets a bad one aside, and keeps other processes away.
struct HistoryFile: Sendable {
    /// Files that were set aside: the last is replaced.
    private static let mostBad = 5

    let path: String
    var schema = Schema.current

    /// Locks the file for this process. Not the file itself: SQLite has locks of its own there, and it may be renamed.
    ///
    /// - Returns: the descriptor that holds the lock until it is closed.
    func lock() throws(DatabaseError) -> Int32 {
        let name = "\(path).lock"
        let descriptor = clinux_open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw Self.systemError(name, errno) }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            close(descriptor)
            throw DatabaseError(
                kind: .locked,
                description: "\(path) is written by another process: end it, or name another file for one of the two")
        }
        return descriptor
    }

    /// Opens the file for writing, and makes it where there is none.
    ///
    /// - Parameter say: takes a sentence about a file that was set aside.
    func open(_ say: (String) -> Void) throws(DatabaseError) -> Database {
        do throws(DatabaseError) {
            if let database = try attempt() { return database }
            try setAside("was written by a newer release", say)
        } catch {
            guard error.kind == .damaged else { throw error }
            try setAside("is damaged", say)
        }
        guard let database = try attempt() else {
            throw DatabaseError(kind: .other, description: "\(path) cannot be replaced by a new history: move it away")
        }
        return database
    }

    /// Renames the file, with its log, which belongs to it.
    func setAside(_ reason: String, _ say: (String) -> Void) throws(DatabaseError) {
        let names = ["\(path).bad"] + (2...Self.mostBad).map { "\(path).bad\($0)" }
        let bad = names.first { FileStatus(link: $0) == nil } ?? "\(path).bad\(Self.mostBad)"
        if rename("\(path)-wal", "\(bad)-wal") != 0 { unlink("\(bad)-wal") }
        unlink("\(path)-shm")
        guard rename(path, bad) == 0 else { throw Self.systemError(path, errno) }
        say("\(path) \(reason): it is now \(bad), and a new history begins")
    }

    private func attempt() throws(DatabaseError) -> Database? {
        // Made here, so that nobody else can read it: SQLite would go by the umask, and copies the rights to its log.
        let descriptor = clinux_open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0o600)
        guard descriptor >= 0 else { throw Self.systemError(path, errno) }
        close(descriptor)
        guard FileStatus(path: path)?.isRegular == true else {
            throw DatabaseError(kind: .other, description: "\(path) is no regular file: name another for the history")
        }
        let database = try Database(path, readOnly: false)
        guard try schema.migrate(database) else { return nil }
        for pragma in Self.pragmas { try database.run(pragma) }
        // A damaged table is noticed by the statements that read it. These are the ones that everything begins with.
        _ = try database.integer("SELECT count(lifetimeIn) FROM batteries")
        return database
    }

    /// Settings for SD cards, whose life is measured in written blocks, and which rewrite a large block for each small write.
    ///
    /// - A write-ahead log: a commit appends its three or four pages to one file and syncs once. A rollback journal writes each page twice,
    ///   in two places, and syncs three times. The pages that change with every commit reach the main file once in some hours, and
    ///   queries do not wait for commits.
    /// - FULL: a commit is on the card when it returns; that is one sync a minute.
    /// - `secure_delete` is on in Debian's build: deleted rows would be overwritten with zeros.
    private static let pragmas = [
        "PRAGMA journal_mode = WAL", "PRAGMA synchronous = FULL", "PRAGMA secure_delete = OFF",
        "PRAGMA journal_size_limit = \(logBytes)", "PRAGMA wal_autocheckpoint = 1000", "PRAGMA cache_size = -1000",
        "PRAGMA trusted_schema = OFF", "PRAGMA cell_size_check = ON",
    ]

    /// Size of the log between two commits: 1000 pages.
    static let logBytes = 4 << 20

    private static func systemError(_ path: String, _ number: Int32) -> DatabaseError {
        switch number {
        case EACCES, EROFS, EPERM: DatabaseError(path, code: 8, number: 0, text: String(cString: strerror(number)))
        case ENOSPC, EDQUOT: DatabaseError(path, code: 13, number: 0, text: "")
        default:
            DatabaseError(
                kind: .other,
                description: "\(path) cannot be opened: \(String(cString: strerror(number))): check the folder")
        }
    }
}
