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
        var times: [Int] = []
        try each("SELECT time FROM pending WHERE battery = ?1 ORDER BY time", [.integer(battery)]) { row in
            times.append(row.integer(0))
        }
        // A damaged file may hold any number.
        return times.filter { BelievedTime.contains(Double($0)) }
    }

    /// The number of a battery; `nil`: it is unknown.
    func battery(_ name: String) throws(DatabaseError) -> Int? {
        try integer("SELECT id FROM batteries WHERE name = ?1", .text(name))
    }
}
