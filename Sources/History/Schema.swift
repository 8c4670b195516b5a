/// The tables of the file, by version. The version is the number of steps that were taken; a release that changes a table adds a step.
struct Schema {
    /// Marks the file as ours: "bmsh".
    static let application = 0x626D_7368

    /// The statements that lead from each version to the next.
    var steps: [[String]]

    var version: Int { steps.count }

    static let current = Schema(steps: [first, second])

    private static let second = ["lifetimeIn", "lifetimeOut"].map { "ALTER TABLE batteries ADD COLUMN \($0) INTEGER" }

    /// Rows with data are in the order of their time: a query reads neighbours, and new rows go to the end.
    private static let first =
        [
            """
            CREATE TABLE batteries (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, \
            energyIn INTEGER, energyInTime INTEGER, energyOut INTEGER, energyOutTime INTEGER, \
            samples INTEGER NOT NULL DEFAULT 0, minutes INTEGER NOT NULL DEFAULT 0, \
            changes INTEGER NOT NULL DEFAULT 0, events INTEGER NOT NULL DEFAULT 0) STRICT
            """,
            // Hours that are not closed: they have minutes, and no row in hours, or an old one.
            """
            CREATE TABLE pending (battery INTEGER NOT NULL, time INTEGER NOT NULL, PRIMARY KEY (battery, time)) \
            STRICT, WITHOUT ROWID
            """,
            """
            CREATE TABLE changes (battery INTEGER NOT NULL, time INTEGER NOT NULL, kind TEXT NOT NULL, value INTEGER, \
            name TEXT NOT NULL, text TEXT NOT NULL, PRIMARY KEY (battery, time, kind)) STRICT, WITHOUT ROWID
            """,
            """
            CREATE TABLE events (battery INTEGER NOT NULL, time INTEGER NOT NULL, kind TEXT NOT NULL, text TEXT NOT NULL, \
            PRIMARY KEY (battery, time, kind, text)) STRICT, WITHOUT ROWID
            """,
        ]
        + ["samples", "minutes", "hours", "days"].map {
            """
            CREATE TABLE \($0) (battery INTEGER NOT NULL, time INTEGER NOT NULL, data BLOB NOT NULL, \
            PRIMARY KEY (battery, time)) STRICT, WITHOUT ROWID
            """
        }

    /// Brings a file to this version.
    ///
    /// - Returns: `false`: the file is of a newer release.
    func migrate(_ database: Database) throws(DatabaseError) -> Bool {
        let version = try database.integer("PRAGMA user_version") ?? 0
        let application = try database.integer("PRAGMA application_id") ?? 0
        let tables = try database.integer("SELECT count(*) FROM sqlite_schema") ?? 0
        guard application == Self.application || (application == 0 && version == 0 && tables == 0) else {
            throw DatabaseError(
                kind: .foreign,
                description: "\(database.path) is a database of another program: name another file for the history")
        }
        guard version >= 0 else {
            throw DatabaseError(
                kind: .damaged, description: "\(database.path) is damaged: it says that it is of version \(version)")
        }
        guard version <= self.version else { return false }
        guard version < self.version else { return true }
        // Before the first table, or never: pages that are given back must be known.
        if tables == 0 { try database.run("PRAGMA auto_vacuum = INCREMENTAL") }
        try database.transaction { () throws(DatabaseError) in
            for statement in steps[version...].joined() { try database.run(statement) }
            try database.run("PRAGMA application_id = \(Self.application)")
            try database.run("PRAGMA user_version = \(self.version)")
        }
        return true
    }
}
