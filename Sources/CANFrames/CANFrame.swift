import BMSCore

/// A data frame of a CAN bus with an 11-bit identifier.
public struct CANFrame: Hashable, Sendable {
    /// Largest identifier.
    public static let highestID: UInt16 = 0x7FF

    /// Identifier, 0...0x7FF. The lower one wins the bus.
    public let id: UInt16
    /// Zero to eight bytes.
    public let data: [UInt8]

    /// A frame.
    ///
    /// - Returns: `nil` for an identifier above 0x7FF, or more than eight bytes.
    public init?(id: UInt16, data: [UInt8]) {
        guard id <= Self.highestID, data.count <= 8 else { return nil }
        self.id = id
        self.data = data
    }
}

extension CANFrame: CustomStringConvertible {
    /// The frame as `candump -L` writes it: "351#480200050005AE01".
    public var description: String { "\(Self.hex(Int(id), 3))#\(data.map { Self.hex(Int($0), 2) }.joined())" }

    /// Reads a frame from a line of can-utils: of `candump` ("can0  351   [8]  48 02 00 05 00 05 AE 01"), of `candump -L`
    /// ("(1700000000.000000) can0 351#480200050005AE01"), or the last part of it alone.
    ///
    /// - Returns: `nil` where the line has no data frame with an 11-bit identifier.
    public init?(line: String) {
        let words = line.split(whereSeparator: \.isWhitespace)
        if let short = words.first(where: { $0.contains("#") }) {
            let parts = short.split(separator: "#", omittingEmptySubsequences: false)
            guard parts.count == 2, let id = Self.number(parts[0], digits: 3),
                let data = Hex.bytes(parts[1].utf8.filter { $0 != UInt8(ascii: ".") })
            else { return nil }
            self.init(id: UInt16(id), data: data)
            return
        }
        guard let place = words.firstIndex(where: { $0.hasPrefix("[") && $0.hasSuffix("]") }), place > 0,
            let id = Self.number(words[place - 1], digits: 3), let count = Int(words[place].dropFirst().dropLast()),
            (0...8).contains(count), words.count >= place + 1 + count,
            let data = Hex.bytes(words[(place + 1)...].prefix(count).joined().utf8), data.count == count
        else { return nil }
        self.init(id: UInt16(id), data: data)
    }

    private static func hex(_ number: Int, _ digits: Int) -> String {
        let text = String(number, radix: 16, uppercase: true)
        return String(repeating: "0", count: max(0, digits - text.count)) + text
    }

    private static func number(_ text: Substring, digits: Int) -> Int? {
        guard text.count == digits, text.allSatisfy(\.isHexDigit) else { return nil }
        return Int(text, radix: 16)
    }
}
