/// Removes what is too old or too much.
///
/// What is kept is counted in rows, not in days: the newest two days of samples are 17,280 rows. A clock that was wrong for an hour would
/// make everything old. A battery that was silent for a month keeps its last two days.
struct Retention {
    /// Rows that are removed between two looks at the size.
    private static let chunk = 1_000
    /// Chunks of one commit at most: a smaller bound in the configuration takes some minutes to get there.
    private static let mostChunks = 50
    /// What goes first when the file is too large: details, then words, and hours only when there is nothing else.
    private static let tables = ["samples", "minutes", "changes", "events", "hours", "days"]

    private let database: Database
    private let options: HistoryOptions

    init(_ database: Database, _ options: HistoryOptions) {
        self.database = database
        self.options = options
    }

    /// Keeps the newest rows of a battery.
    func prune(_ battery: Int) throws(DatabaseError) {
        for (table, most) in [
            ("samples", options.samples), ("minutes", options.minutes), ("changes", options.changes),
            ("events", options.events),
        ] {
            let count = try database.integer("SELECT \(table) FROM batteries WHERE id = ?1", .integer(battery)) ?? 0
            guard count > most, let last = try time(table, battery, row: count - most - 1) else { continue }
            try remove(table, battery, through: last)
        }
    }

    /// Makes the file smaller where it is too large.
    ///
    /// - Parameter most: bytes of the file without its log.
    func shrink(to most: Int) throws(DatabaseError) {
        // Pages may be free although nothing is removed here: batteries lost their oldest rows, or the bound has become smaller.
        let (size, free) = try (size, free)
        guard size > most, size - free > most || free > 0 else { return }
        if size - free > most { try makeRoom(below: most) }
        try database.run("PRAGMA incremental_vacuum")
        // The main file becomes shorter with the checkpoint. A reader may hold that up; the next one does it.
        try database.each("PRAGMA wal_checkpoint(TRUNCATE)", []) { _ in }
    }

    /// Removes the oldest rows until the others are some bytes less.
    private func makeRoom(below most: Int) throws(DatabaseError) {
        var batteries: [Int] = []
        try database.each("SELECT id FROM batteries", []) { row in batteries.append(row.integer(0)) }
        try database.transaction { () throws(DatabaseError) in
            var chunks = 0
            // Some room, so that not every commit comes here.
            for table in Self.tables {
                while try used > most - most / 50, chunks < Self.mostChunks, try removeOldest(table, batteries) {
                    chunks += 1
                }
            }
        }
    }

    /// Bytes of all pages, and of those with nothing in them.
    private var size: Int { get throws(DatabaseError) { try bytes("page_count") } }
    private var free: Int { get throws(DatabaseError) { try bytes("freelist_count") } }
    private var used: Int { get throws(DatabaseError) { try size - free } }

    private func bytes(_ count: String) throws(DatabaseError) -> Int {
        try (database.integer("PRAGMA \(count)") ?? 0) * (database.integer("PRAGMA page_size") ?? 4096)
    }

    /// Removes the oldest rows of all batteries.
    ///
    /// - Returns: `false`: the table is empty.
    private func removeOldest(_ table: String, _ batteries: [Int]) throws(DatabaseError) -> Bool {
        var end: Int?
        for battery in batteries {
            let (chunk, newest) = try (time(table, battery, row: Self.chunk), newest(table, battery))
            guard let time = chunk ?? newest else { continue }
            end = min(end ?? time, time)
        }
        guard let end else { return false }
        for battery in batteries { try remove(table, battery, through: end) }
        return true
    }

    private func remove(_ table: String, _ battery: Int, through time: Int) throws(DatabaseError) {
        try database.run("DELETE FROM \(table) WHERE battery = ?1 AND time <= ?2", .integer(battery), .integer(time))
        guard table != "hours", table != "days" else { return }
        try database.run(
            "UPDATE batteries SET \(table) = max(0, \(table) - ?2) WHERE id = ?1", .integer(battery),
            .integer(database.changes))
    }

    /// The time of a row, counted from the oldest.
    private func time(_ table: String, _ battery: Int, row: Int) throws(DatabaseError) -> Int? {
        try database.integer(
            "SELECT time FROM \(table) WHERE battery = ?1 ORDER BY time LIMIT 1 OFFSET ?2", .integer(battery),
            .integer(row))
    }

    private func newest(_ table: String, _ battery: Int) throws(DatabaseError) -> Int? {
        try database.integer("SELECT max(time) FROM \(table) WHERE battery = ?1", .integer(battery))
    }
}
