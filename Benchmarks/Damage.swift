import Glibc
import TestSupport

/// Kinds of damage to the bytes of a frame.
enum Damage {
    /// Each bit flips by itself, once in `10^exponent` bits.
    case noise(exponent: Int)
    /// Every fourth frame has a burst of a number of bits: the first and the last flip, and those between by chance.
    case burst(bits: Int)
    /// Every fourth frame loses a byte.
    case lostByte
    /// Every fourth frame has a byte twice.
    case doubledByte
    /// Every fourth frame has an additional byte.
    case strayByte

    static let all: [Damage] =
        [.noise(exponent: 5), .noise(exponent: 4), .noise(exponent: 3), .noise(exponent: 2)]
        + [2, 4, 8, 16, 32].map { .burst(bits: $0) } + [.lostByte, .doubledByte, .strayByte]

    var name: String {
        switch self {
        case .noise(let exponent): "bit error rate 1e-\(exponent)"
        case .burst(let bits): "burst of \(bits) bits"
        case .lostByte: "lost byte"
        case .doubledByte: "doubled byte"
        case .strayByte: "stray byte"
        }
    }

    /// The bytes as they arrive.
    func apply(_ frame: [UInt8], using random: inout SeededRandom) -> [UInt8] {
        var bytes = frame
        if case .noise(let exponent) = self {
            var rate = 1.0
            for _ in 0..<exponent { rate /= 10 }
            // One draw gives the distance to the next flip, in place of a draw for each bit.
            var bit = Self.gap(rate, &random)
            while bit < bytes.count * 8 {
                bytes[bit / 8] ^= 1 << UInt8(bit % 8)
                bit += 1 + Self.gap(rate, &random)
            }
            return bytes
        }
        guard random.oneIn(4) else { return bytes }
        let index = Int.random(in: bytes.indices, using: &random)
        switch self {
        case .noise: break
        case .burst(let bits):
            let start = Int.random(in: 0...(bytes.count * 8 - bits), using: &random)
            for bit in start..<(start + bits) where bit == start || bit == start + bits - 1 || random.oneIn(2) {
                bytes[bit / 8] ^= 1 << UInt8(bit % 8)
            }
        case .lostByte: bytes.remove(at: index)
        case .doubledByte: bytes.insert(bytes[index], at: index)
        case .strayByte: bytes.insert(random.bytes(1)[0], at: index)
        }
        return bytes
    }

    /// Bits until the next flip.
    private static func gap(_ rate: Double, _ random: inout SeededRandom) -> Int {
        Int(min(1e9, log(1 - Double.random(in: 0..<1, using: &random)) / log1p(-rate)))
    }
}
