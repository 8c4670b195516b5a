import BMSCore

/// One byte of a key, and the time at which it came.
struct KeyByte: Sendable {
    var byte: UInt8
    var time: Timestamp
}

/// A byte for each key that came.
struct KeyBytes: Sendable {
    private var bytes = [KeyByte?](repeating: nil, count: KeyLayout.count)

    subscript(key: Int) -> KeyByte? {
        get { bytes[key] }
        set { bytes[key] = newValue }
    }

    /// Entries that are not too old.
    func younger(than age: Int64, at now: Timestamp) -> KeyBytes {
        var young = KeyBytes()
        young.bytes = bytes.map { byte in byte.flatMap { now - $0.time <= age ? $0 : nil } }
        return young
    }

    /// The bytes of some keys as one number, most significant first; `nil` unless all of them came.
    func number(_ keys: ClosedRange<Int>) -> Int? {
        var number = 0
        for key in keys {
            guard let byte = bytes[key]?.byte else { return nil }
            number = number << 8 | Int(byte)
        }
        return number
    }

    /// A number of 0...100; `nil` for a larger one.
    func percent(_ keys: ClosedRange<Int>) -> Int? { number(keys).flatMap { $0 <= 100 ? $0 : nil } }

    /// A cell voltage; `nil` for 0 and for a voltage that no cell can have.
    func voltage(_ keys: ClosedRange<Int>) -> Millivolts? {
        number(keys).map { Millivolts($0 * 5) }.flatMap {
            (Millivolts(500)...Millivolts(5500)).contains($0) ? $0 : nil
        }
    }
}
