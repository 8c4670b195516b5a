import HistoryData

/// The questions, over a connection of their own: they do not wait for commits.
struct HistoryReader {
    let database: Database
    let days: LocalDays

    /// Calls the body with the rows of a battery, where they have the wanted detail, and with less detail before that.
    ///
    /// - Parameter body: takes bytes, their time, their level, and the time at which rows with more detail begin.
    func scan(
        _ battery: Int, _ level: HistoryLevel, from start: Int, to end: Int,
        _ body: ([UInt8], Int, HistoryLevel, Int) -> Void
    ) throws(HistoryFailure) {
        var start = start
        if let coarser = level.coarser {
            let oldest = try database.integer(
                "SELECT min(time) FROM \(level.table) WHERE battery = ?1", .integer(battery))
            let border = min(end, max(start, oldest ?? end))
            if start < border {
                try scan(battery, coarser, from: start, to: border, body)
                start = border
            }
        }
        if start < end { try rows(battery, level, from: start, to: end) { body($0, $1, level, end) } }
    }

    /// Rows of one level in their order, those of hours that are not closed included.
    func rows(
        _ battery: Int, _ level: HistoryLevel, from start: Int, to end: Int, most: Int = .max,
        _ body: ([UInt8], Int) -> Void
    ) throws(HistoryFailure) {
        let first = level.start(max(0, start))
        var open: [(time: Int, data: [UInt8])] = []
        if level == .hours {
            for time in try database.pending(battery) where time >= first && time < end {
                if let data = try database.hour(battery, time) { open.append((time, data)) }
            }
        }
        open.reverse()
        try database.each(
            "SELECT time, data FROM \(level.table) WHERE battery = ?1 AND time >= ?2 AND time < ?3 ORDER BY time LIMIT ?4",
            [.integer(battery), .integer(first), .integer(end), .integer(most)]
        ) { row in
            let (time, data) = (row.integer(0), row.blob(1))
            while let next = open.last, next.time < time { open.popLast().map { body($0.data, $0.time) } }
            if let next = open.last, next.time == time, BucketCode.count(next.data) >= BucketCode.count(data) {
                open.popLast().map { body($0.data, time) }
            } else {
                if open.last?.time == time { open.removeLast() }
                body(data, time)
            }
        }
        while let next = open.popLast() { body(next.data, next.time) }
    }

    func plot(_ name: String, _ range: PlotRange, withCells: Bool) throws(HistoryFailure) -> Downsampler {
        var downsampler = Downsampler(range, withCells: withCells)
        guard let battery = try database.battery(name) else { return downsampler }
        try scan(battery, range.level, from: range.start, to: range.end) {
            downsampler.add($0, at: $1, $2, before: $3)
        }
        return downsampler
    }

    func periods(_ name: String, from: Int, to: Int, isMonthly: Bool) throws(HistoryFailure) -> [HistoryPeriod] {
        guard let battery = try database.battery(name), from < to else { return [] }
        let (first, last) = (days.day(from), days.day(to - 1))
        let begin = isMonthly ? LocalDays.firstOfMonth(first) : first
        var summary = PeriodSummary(days, isMonthly: isMonthly)
        // Where days begin within an hour of UTC, the first one belongs to the day before.
        try rows(battery, .hours, from: days.start(begin), to: days.start(last + 1)) {
            if days.day($1) >= begin { summary.add($0, at: $1) }
        }
        try database.each(
            "SELECT time, data FROM days WHERE battery = ?1 AND time >= ?2 AND time <= ?3 ORDER BY time",
            [.integer(battery), .integer(begin), .integer(last)]
        ) { row in
            if let record = DayRecord(row.blob(1)) { summary.add(record, day: row.integer(0)) }
        }
        return summary.periodsInOrder
    }

    /// Changes in a time, the newest at most, and before them the last one of each limit: what was in force at the beginning.
    func changes(_ name: String, from: Int, to: Int, most: Int) throws(HistoryFailure) -> [LimitChange] {
        guard let battery = try database.battery(name) else { return [] }
        var changes: [LimitChange] = []
        try database.each(
            """
            SELECT time, kind, value, name, text FROM changes WHERE battery = ?1 AND time >= ?2 AND time < ?3 \
            ORDER BY time DESC LIMIT ?4
            """, [.integer(battery), .integer(from * 1000), .integer(to * 1000), .integer(most)]
        ) { row in changes.append(LimitChange(row)) }
        changes.reverse()
        let begin = changes.count == most ? changes.first.map { Int(($0.time * 1000).rounded()) } : nil
        var before: [LimitChange] = []
        for limit in ["cvl", "ccl", "dcl"] {
            try database.each(
                """
                SELECT time, kind, value, name, text FROM changes WHERE battery = ?1 AND time < ?2 AND kind = ?3 \
                ORDER BY time DESC LIMIT 1
                """, [.integer(battery), .integer(begin ?? from * 1000), .text(limit)]
            ) { row in before.append(LimitChange(row)) }
        }
        return before.sorted { $0.time < $1.time } + changes
    }

    /// Events in a time, the newest at most, in their order.
    func events(_ name: String, from: Int, to: Int, most: Int) throws(HistoryFailure) -> [HistoryEvent] {
        guard let battery = try database.battery(name) else { return [] }
        var events: [HistoryEvent] = []
        try database.each(
            "SELECT time, kind, text FROM events WHERE battery = ?1 AND time >= ?2 AND time < ?3 ORDER BY time DESC LIMIT ?4",
            [.integer(battery), .integer(from * 1000), .integer(to * 1000), .integer(most)]
        ) { row in
            events.append(
                HistoryEvent(time: Double(row.integer(0)) / 1000, kind: row.text(1), text: row.text(2)))
        }
        return events.reversed()
    }

    /// Some rows for an export, and the way they are written.
    func chunk(
        _ name: String, _ level: HistoryLevel, from: Int, to: Int, format: CSVRows?, most: Int
    ) throws(HistoryFailure) -> (CSVRows, [(time: Int, data: [UInt8])]) {
        guard let battery = try database.battery(name) else { return (format ?? CSVRows(cells: 0), []) }
        var rows: [(time: Int, data: [UInt8])] = []
        try self.rows(battery, level, from: from, to: to, most: most) { data, time in
            if rows.count < most { rows.append((time, data)) }
        }
        if let format { return (format, rows) }
        // The rows may have different numbers of cells: none in a silence, others after a change of the pack.
        var cells = 0
        try self.rows(battery, level, from: from, to: to) { data, _ in cells = max(cells, CSVRows.cells(data)) }
        return (CSVRows(cells: cells), rows)
    }

    func gap(_ name: String, _ level: HistoryLevel, from: Int, to: Int) throws(HistoryFailure) -> HistoryGap? {
        guard let coarser = level.coarser, let battery = try database.battery(name) else { return nil }
        let oldest = try database.integer("SELECT min(time) FROM \(level.table) WHERE battery = ?1", .integer(battery))
        var hasMore = false
        // Rows of less detail begin earlier than those that they are made of.
        try rows(battery, coarser, from: from, to: min(to, coarser.start(oldest ?? to)), most: 1) { _, _ in
            hasMore = true
        }
        if hasMore { return HistoryGap(end: oldest, coarser: coarser) }
        return try gap(name, coarser, from: from, to: to).map { HistoryGap(end: oldest, coarser: $0.coarser) }
    }

    func batteries() throws(HistoryFailure) -> [HistoryBattery] {
        var found: [HistoryBattery] = []
        try database.each(
            """
            SELECT name, coalesce((SELECT min(time) FROM hours WHERE battery = id), \
            (SELECT min(time) FROM minutes WHERE battery = id)), \
            coalesce((SELECT max(time) FROM minutes WHERE battery = id), \
            (SELECT max(time) FROM hours WHERE battery = id)) FROM batteries ORDER BY name
            """, []
        ) { row in
            found.append(
                HistoryBattery(
                    id: row.text(0), first: row.optional(1).map(Double.init), last: row.optional(2).map(Double.init)))
        }
        return found
    }
}

extension LimitChange {
    /// The value in hundredths.
    var wholeValue: Int? {
        guard let value, abs(value) < 1e9 else { return nil }
        return Int((value * 100).rounded())
    }

    fileprivate init(_ row: SQLRow) {
        self.init(
            time: Double(row.integer(0)) / 1000, limit: row.text(1), value: row.optional(2).map { Double($0) / 100 },
            name: row.text(3), sentence: row.text(4))
    }
}
