import HistoryData

extension HistoryLevel {
    /// The table of this level.
    var table: String {
        switch self {
        case .samples: "samples"
        case .minutes: "minutes"
        case .hours: "hours"
        }
    }
}

extension Database {
    /// An hour made of its minutes, each of which counts the same; `nil`: there are none.
    func hour(_ battery: Int, _ time: Int) throws(DatabaseError) -> [UInt8]? {
        var bucket = Bucket()
        try each(
            "SELECT data FROM minutes WHERE battery = ?1 AND time >= ?2 AND time < ?3",
            [.integer(battery), .integer(time), .integer(time + HistoryLevel.hours.rawValue)]
        ) { row in BucketCode.add(row.blob(0), to: &bucket, weight: 1) }
        return bucket.count > 0 ? BucketCode.bytes(bucket) : nil
    }

    /// Hours of a battery that are not closed, in their order.
    func pending(_ battery: Int) throws(DatabaseError) -> [Int] {
        try pending(but: nil).compactMap { $0.battery == battery ? $0.time : nil }
    }

    /// Hours of all batteries that are not closed, by their time, but for one.
    func pending(but present: Int?) throws(DatabaseError) -> [(battery: Int, time: Int)] {
        var hours: [(battery: Int, time: Int)] = []
        try each("SELECT battery, time FROM pending ORDER BY time", []) { row in
            let (battery, time) = (row.integer(0), row.integer(1))
            // A damaged file may hold any number.
            if time != present, BelievedTime.contains(Double(time)) { hours.append((battery, time)) }
        }
        return hours
    }

    /// The number of a battery; `nil`: it is unknown.
    func battery(_ name: String) throws(DatabaseError) -> Int? {
        try integer("SELECT id FROM batteries WHERE name = ?1", .text(name))
    }
}
