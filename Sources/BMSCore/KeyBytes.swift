/// Some of the keys.
struct KeySet: Equatable, Sendable {
    private var bits: UInt32 = 0

    mutating func insert(_ key: Int) { bits |= 1 << UInt32(key) }

    /// All of these are in it.
    func contains(_ keys: ClosedRange<Int>) -> Bool { keys.allSatisfy { bits & 1 << UInt32($0) != 0 } }
}

/// A byte for each key, and when it came.
struct KeyBytes: Sendable {
    static let count = 19

    private var bytes = [UInt8](repeating: 0, count: Self.count)
    private var times = [Timestamp](repeating: Timestamp(milliseconds: 0), count: Self.count)
    /// Keys that came.
    private(set) var known = KeySet()

    mutating func take(_ byte: UInt8, of key: Int, at now: Timestamp) {
        bytes[key] = byte
        times[key] = now
        known.insert(key)
    }

    mutating func forget() { known = KeySet() }

    mutating func take(_ keys: ClosedRange<Int>, of other: KeyBytes) {
        for key in keys { take(other.bytes[key], of: key, at: other.times[key]) }
    }

    /// Takes the times of another that knows the same keys by the same bytes, and leaves it some other times.
    ///
    /// - Returns: `false` where the other differs; then nothing is taken.
    mutating func takeTimes(of other: inout KeyBytes) -> Bool {
        guard known == other.known, bytes == other.bytes else { return false }
        swap(&times, &other.times)
        return true
    }

    /// Both know these keys, by the same bytes.
    func agrees(with other: KeyBytes, on keys: ClosedRange<Int>) -> Bool {
        known.contains(keys) && other.known.contains(keys) && keys.allSatisfy { bytes[$0] == other.bytes[$0] }
    }

    /// Those that are not too old.
    func known(at now: Timestamp) -> KeySet {
        var young = KeySet()
        for key in 0..<Self.count where known.contains(key...key) && now - times[key] <= KeyCollector.maximumAge {
            young.insert(key)
        }
        return young
    }

    /// When the oldest of some keys came; in the far future where there are none.
    func oldest(of keys: KeySet) -> Timestamp {
        var oldest = Timestamp(milliseconds: .max)
        for key in 0..<Self.count where keys.contains(key...key) { oldest = min(oldest, times[key]) }
        return oldest
    }

    /// The bytes of some keys as one number.
    func number(_ keys: ClosedRange<Int>) -> Int { keys.reduce(0) { $0 << 8 | Int(bytes[$1]) } }
}
