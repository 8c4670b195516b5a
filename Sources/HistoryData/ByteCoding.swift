/// Whole numbers in as few bytes as they need: seven bits in each.
struct ByteWriter {
    private(set) var bytes: [UInt8] = []

    mutating func unsigned(_ number: Int) {
        var rest = UInt64(max(0, number))
        while rest > 0x7F {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }

    /// Small negative numbers are short, too.
    mutating func signed(_ number: Int) { unsigned(number >= 0 ? number * 2 : -number * 2 - 1) }

    /// A list: each known number as the difference from the known one before it, because cells are alike.
    mutating func list(_ numbers: [Int?]) {
        unsigned(numbers.count)
        var before = 0
        for number in numbers {
            guard let number else {
                unsigned(0)
                continue
            }
            let difference = number - before
            unsigned(difference >= 0 ? difference * 2 + 1 : -difference * 2)
            before = number
        }
    }
}

/// Reads what ``ByteWriter`` wrote. Every byte may be wrong: a read beyond the end, or of a number too large, gives `nil`.
struct ByteReader {
    /// Larger numbers are faults; a few of these can be added and multiplied without care.
    private static let largest = 1 << 33

    private let bytes: [UInt8]
    private var next = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    mutating func unsigned() -> Int? {
        var (number, shift) = (0, 0)
        while next < bytes.count, shift <= 35 {
            let byte = Int(bytes[next])
            next += 1
            number |= (byte & 0x7F) << shift
            if byte < 0x80 { return number <= Self.largest ? number : nil }
            shift += 7
        }
        return nil
    }

    mutating func signed() -> Int? { unsigned().map { $0 & 1 == 0 ? $0 / 2 : -($0 / 2) - 1 } }

    mutating func list(_ body: (Int, Int?) -> Void) -> Bool {
        guard let count = unsigned(), count <= Bucket.mostCells else { return false }
        var before = 0
        for index in 0..<count {
            guard let code = unsigned() else { return false }
            if code == 0 {
                body(index, nil)
            } else {
                before += code & 1 == 1 ? code / 2 : -(code / 2)
                guard abs(before) <= Self.largest else { return false }
                body(index, before)
            }
        }
        return true
    }

    mutating func list() -> [Int?]? {
        var numbers: [Int?] = []
        return list { numbers.append($1) } ? numbers : nil
    }
}
