import HistoryData

/// Writes a batch within a transaction.
struct BatchWriter {
    let database: Database
    let options: HistoryOptions
    /// Numbers of batteries, as far as they were needed.
    private var batteries: [String: Int] = [:]

    init(_ database: Database, _ options: HistoryOptions) {
        self.database = database
        self.options = options
    }

    mutating func write(_ batch: Batch, now: Double) throws(DatabaseError) {
        // In the order of time: pages that only grow at their end are filled to the last byte.
        for (key, bucket) in batch.buckets.sorted(by: { $0.key.time < $1.key.time }) { try write(bucket, key) }
        for (key, record) in batch.days { try write(record, key) }
        for (battery, change) in batch.changes { try write(change, battery) }
        for (battery, event) in batch.events { try write(event, battery) }
        for (battery, counters) in batch.counters { try write(counters, battery) }
        try closeHours(now: now)
    }

    private mutating func number(_ battery: String) throws(DatabaseError) -> Int {
        if let number = batteries[battery] { return number }
        try database.run("INSERT OR IGNORE INTO batteries (name) VALUES (?1)", .text(battery))
        let number = try database.battery(battery) ?? 0
        batteries[battery] = number
        return number
    }

    private mutating func write(_ bucket: Bucket, _ key: BucketKey) throws(DatabaseError) {
        let battery = try number(key.battery)
        let (table, place) = (key.level.table, [SQLValue.integer(battery), .integer(key.time)])
        var sum = bucket
        if let old = try database.blob(
            "SELECT data FROM \(table) WHERE battery = ?1 AND time = ?2", place[0], place[1])
        {
            BucketCode.add(old, to: &sum)
            try database.run(
                "UPDATE \(table) SET data = ?3 WHERE battery = ?1 AND time = ?2", place[0], place[1],
                .blob(BucketCode.bytes(sum)))
        } else {
            try database.run(
                "INSERT INTO \(table) VALUES (?1, ?2, ?3)", place[0], place[1], .blob(BucketCode.bytes(sum)))
            try count(table, 1, battery)
        }
        if key.level == .minutes {
            try database.run(
                "INSERT OR IGNORE INTO pending VALUES (?1, ?2)", place[0],
                .integer(HistoryLevel.hours.start(key.time)))
        }
    }

    private mutating func write(_ record: DayRecord, _ key: DayKey) throws(DatabaseError) {
        let battery = try SQLValue.integer(number(key.battery))
        var sum = record
        if let old = try database.blob(
            "SELECT data FROM days WHERE battery = ?1 AND time = ?2", battery, .integer(key.day)
        ).flatMap(DayRecord.init) {
            guard old != record else { return }
            sum.merge(old)
        }
        try database.run(
            "INSERT OR REPLACE INTO days VALUES (?1, ?2, ?3)", battery, .integer(key.day), .blob(sum.bytes))
    }

    private mutating func write(_ change: LimitChange, _ name: String) throws(DatabaseError) {
        let battery = try number(name)
        try database.run(
            "INSERT OR IGNORE INTO changes VALUES (?1, ?2, ?3, ?4, ?5, ?6)", .integer(battery),
            .integer(Int(change.time * 1000)), .text(change.limit), SQLValue(change.wholeValue), .text(change.name),
            .text(change.sentence))
        try count("changes", database.changes, battery)
    }

    private mutating func write(_ event: HistoryEvent, _ name: String) throws(DatabaseError) {
        let battery = try number(name)
        try database.run(
            "INSERT OR IGNORE INTO events VALUES (?1, ?2, ?3, ?4)", .integer(battery),
            .integer(Int(event.time * 1000)), .text(event.kind), .text(event.text))
        try count("events", database.changes, battery)
    }

    private mutating func write(_ counters: Counters, _ name: String) throws(DatabaseError) {
        let (energyIn, energyOut) = (counters.energyIn, counters.energyOut)
        try database.run(
            """
            UPDATE batteries SET energyIn = ?2, energyInTime = ?3, energyOut = ?4, energyOutTime = ?5, \
            lifetimeIn = ?6, lifetimeOut = ?7 WHERE id = ?1
            """, .integer(number(name)), SQLValue(energyIn?.last), SQLValue(energyIn.map { Int($0.time) }),
            SQLValue(energyOut?.last), SQLValue(energyOut.map { Int($0.time) }), SQLValue(energyIn?.lifetime),
            SQLValue(energyOut?.lifetime))
    }

    private func count(_ table: String, _ rows: Int, _ battery: Int) throws(DatabaseError) {
        guard rows > 0, table != "hours" else { return }
        try database.run(
            "UPDATE batteries SET \(table) = \(table) + ?2 WHERE id = ?1", .integer(battery), .integer(rows))
    }

    /// Closes hours that are over: each becomes a row, unless one that is made of more minutes is there. Then the details that are too
    /// many go, so that both happens once an hour.
    private func closeHours(now: Double) throws(DatabaseError) {
        let present = HistoryLevel.hours.start(Int(min(max(now, 0), 1e10)))
        let over = try database.pending(but: present)
        for (battery, time) in over {
            let place = [SQLValue.integer(battery), .integer(time)]
            let old = try database.blob("SELECT data FROM hours WHERE battery = ?1 AND time = ?2", place[0], place[1])
            if let new = try database.hour(battery, time),
                old.map({ BucketCode.count($0) <= BucketCode.count(new) }) != false
            {
                try database.run("INSERT OR REPLACE INTO hours VALUES (?1, ?2, ?3)", place[0], place[1], .blob(new))
            }
            try database.run("DELETE FROM pending WHERE battery = ?1 AND time = ?2", place[0], place[1])
        }
        for battery in Set(over.map(\.battery)) { try Retention(database, options).prune(battery) }
    }
}
