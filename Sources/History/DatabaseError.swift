import CSQLite
import Glibc

/// The reason why the history cannot be written or read.
public struct HistoryFailure: Error, Hashable, Sendable, CustomStringConvertible {
    /// Kinds of failure.
    public enum Kind: Hashable, Sendable {
        /// Another process has the file open.
        case locked
        /// The disk is full.
        case full
        /// The folder or the file cannot be written.
        case readOnly
        /// The file is damaged; it is set aside with the next commit.
        case damaged
        /// The file belongs to another program.
        case foreign
        /// Something else.
        case other
    }

    /// The kind.
    public var kind: Kind
    /// What happened, to which file, and what to do: a sentence without its full stop.
    public var description: String
}

/// What SQLite says, with the file.
typealias DatabaseError = HistoryFailure

extension HistoryFailure {
    /// - Parameters:
    ///   - code: the extended result code.
    ///   - number: the system's error number; 0: none.
    init(_ path: String, code: Int32, number: Int32, text: String) {
        let reason = number == 0 ? text : "\(text) (\(String(cString: strerror(number))))"
        switch (code & 0xFF, number) {
        case (SQLITE_FULL, _), (SQLITE_IOERR, ENOSPC), (SQLITE_IOERR, EDQUOT), (SQLITE_IOERR, EFBIG),
            (SQLITE_CANTOPEN, ENOSPC):
            self.init(kind: .full, description: "\(path): the disk is full: make room; the newest data waits in memory")
        case (SQLITE_READONLY, _), (SQLITE_CANTOPEN, EACCES), (SQLITE_CANTOPEN, EROFS), (SQLITE_IOERR, EROFS):
            self.init(
                kind: .readOnly,
                description: "\(path) cannot be written: \(reason): allow this user to write the file and its folder")
        // Nothing that is written breaks a rule of a table, unless the file holds numbers that were never written.
        case (SQLITE_CORRUPT, _), (SQLITE_NOTADB, _), (SQLITE_CONSTRAINT, _), (SQLITE_MISMATCH, _):
            self.init(kind: .damaged, description: "\(path) is damaged: \(reason)")
        // Nothing is made twice or missing, unless the file says a version that it does not have.
        case (SQLITE_ERROR, _)
        where text.hasPrefix("duplicate column name") || text.hasSuffix("already exists")
            || text.hasPrefix("no such column") || text == "no such table: batteries":
            self.init(kind: .damaged, description: "\(path) is damaged: \(reason)")
        case (SQLITE_BUSY, _), (SQLITE_LOCKED, _):
            self.init(
                kind: .locked,
                description: "\(path) is held by another program: close that, because only one can write a history"
            )
        default: self.init(kind: .other, description: "\(path): \(reason): check the disk and the folder")
        }
    }
}
