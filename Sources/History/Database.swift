import CSQLite
import Glibc

/// A value in a statement.
enum SQLValue {
    case null
    case integer(Int)
    case text(String)
    case blob([UInt8])

    init(_ number: Int?) { self = number.map(SQLValue.integer) ?? .null }
}

/// A row of an answer, valid until the next.
struct SQLRow {
    fileprivate let statement: OpaquePointer

    func integer(_ column: Int32) -> Int { Int(sqlite3_column_int64(statement, column)) }

    func optional(_ column: Int32) -> Int? {
        sqlite3_column_type(statement, column) == SQLITE_NULL ? nil : integer(column)
    }

    func text(_ column: Int32) -> String {
        sqlite3_column_text(statement, column).map { String(cString: $0) } ?? ""
    }

    func blob(_ column: Int32) -> [UInt8] {
        guard let start = sqlite3_column_blob(statement, column) else { return [] }
        return Array(UnsafeRawBufferPointer(start: start, count: Int(sqlite3_column_bytes(statement, column))))
    }
}

/// A connection to a file of SQLite. It is sendable because its owners hold it in a `Lock`, one each, and never give it away.
final class Database: @unchecked Sendable {
    let path: String
    private let handle: OpaquePointer
    /// The texts of statements are constants of this module, so this is bounded.
    private var statements: [String: OpaquePointer] = [:]

    init(_ path: String, readOnly: Bool) throws(DatabaseError) {
        var handle: OpaquePointer?
        let flags = (readOnly ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE) | SQLITE_OPEN_NOMUTEX
        let result = sqlite3_open_v2(path, &handle, flags, nil)
        guard result == SQLITE_OK, let handle else {
            let number = handle.map { sqlite3_system_errno($0) } ?? 0
            sqlite3_close(handle)
            throw DatabaseError(path, code: result, number: number, text: String(cString: sqlite3_errstr(result)))
        }
        self.path = path
        self.handle = handle
        sqlite3_extended_result_codes(handle, 1)
        // The writer's checkpoints are short.
        sqlite3_busy_timeout(handle, 2_000)
    }

    deinit {
        for statement in statements.values { sqlite3_finalize(statement) }
        sqlite3_close_v2(handle)
    }

    /// Rows that the last statement changed.
    var changes: Int { Int(sqlite3_changes64(handle)) }

    func run(_ sql: String, _ values: SQLValue...) throws(DatabaseError) {
        try each(sql, values) { _ in }
    }

    /// The first integer of the answer; `nil`: there is none.
    func integer(_ sql: String, _ values: SQLValue...) throws(DatabaseError) -> Int? {
        var result: Int?
        try each(sql, values) { row in result = result ?? row.optional(0) }
        return result
    }

    /// The first blob of the answer; `nil`: there is no row.
    func blob(_ sql: String, _ values: SQLValue...) throws(DatabaseError) -> [UInt8]? {
        var result: [UInt8]?
        try each(sql, values) { row in result = result ?? row.blob(0) }
        return result
    }

    /// Calls the body for each row. It must not run the same statement.
    func each(_ sql: String, _ values: [SQLValue], _ body: (SQLRow) -> Void) throws(DatabaseError) {
        let statement = try prepared(sql)
        defer {
            sqlite3_reset(statement)
            sqlite3_clear_bindings(statement)
        }
        for (index, value) in values.enumerated() {
            guard Self.bind(value, statement, Int32(index + 1)) == SQLITE_OK else { throw failure }
        }
        while true {
            switch sqlite3_step(statement) {
            case SQLITE_ROW: body(SQLRow(statement: statement))
            case SQLITE_DONE: return
            default: throw failure
            }
        }
    }

    /// Does everything of the body, or nothing.
    func transaction<Result>(_ body: () throws(DatabaseError) -> Result) throws(DatabaseError) -> Result {
        try run("BEGIN IMMEDIATE")
        do throws(DatabaseError) {
            let result = try body()
            try run("COMMIT")
            return result
        } catch {
            // A full disk may have rolled back already.
            if sqlite3_get_autocommit(handle) == 0 { try? run("ROLLBACK") }
            throw error
        }
    }

    private var failure: DatabaseError {
        DatabaseError(
            path, code: sqlite3_extended_errcode(handle), number: sqlite3_system_errno(handle),
            text: String(cString: sqlite3_errmsg(handle)))
    }

    private func prepared(_ sql: String) throws(DatabaseError) -> OpaquePointer {
        if let statement = statements[sql] { return statement }
        var statement: OpaquePointer?
        guard sqlite3_prepare_v2(handle, sql, -1, &statement, nil) == SQLITE_OK, let statement else { throw failure }
        statements[sql] = statement
        return statement
    }

    private static func bind(_ value: SQLValue, _ statement: OpaquePointer, _ index: Int32) -> Int32 {
        switch value {
        case .null: sqlite3_bind_null(statement, index)
        case .integer(let number): sqlite3_bind_int64(statement, index, Int64(number))
        case .text(let text): csqlite_bind_text(statement, index, text, Int32(text.utf8.count))
        case .blob(let bytes): csqlite_bind_blob(statement, index, bytes, Int32(bytes.count))
        }
    }
}
