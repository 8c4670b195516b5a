import BMSCore

/// The text protocol of serial CAN adapters (Lawicel's, which CANable and its like speak): commands end with a carriage return.
public enum SLCAN {
    /// Closes the channel, sets 500 kbit/s, switches repetition off and opens it. The first command ends whatever an earlier program began;
    /// a bare return would make some adapters send their last frame again. Where repetition can be switched off, a frame that nobody
    /// acknowledges is lost, and does not wait in the adapter to come out as an old one. Other adapters refuse that command, or answer it.
    public static let open = "C\rC\rS6\rA0\rO\r"
    /// Closes the channel.
    public static let close = "C\rC\r"
    /// Asks for the status flags.
    public static let status = "F\r"

    /// The command that sends a frame: "t35180402FA00FA00BD01\r".
    public static func line(_ frame: CANFrame) -> String {
        let text = "\(frame)"
        return "t\(text.prefix(3))\(frame.data.count)\(text.dropFirst(4))\r"
    }
}

/// An answer of a serial adapter, or a frame that it heard.
public enum SLCANEvent: Hashable, Sendable {
    /// A data frame with an 11-bit identifier.
    case frame(CANFrame)
    /// A command is refused: the adapter does not know it, or its queue is full.
    case refused
    /// Its status flags.
    case flags(SLCANFlags)
}

/// Status flags of a serial adapter.
public struct SLCANFlags: OptionSet, Hashable, Sendable {
    /// The byte.
    public let rawValue: UInt8
    /// Flags of a byte.
    public init(rawValue: UInt8) { self.rawValue = rawValue }
    /// The queue to the bus is full.
    public static let queueFull = SLCANFlags(rawValue: 1 << 1)
    /// Too many errors: nobody acknowledges.
    public static let passive = SLCANFlags(rawValue: 1 << 5)
}

/// Reads what a serial adapter says, byte by byte. A line that is too long is skipped; frames with a 29-bit identifier, requests for
/// frames and answers that mean "done" are no event.
public struct SLCANReader: Sendable {
    /// Longest line: a frame with eight bytes, and a time stamp.
    private static let longest = 1 + 8 + 1 + 16 + 4
    private var line: [UInt8] = []
    private var isTooLong = false

    /// A reader at the beginning of a line.
    public init() {}

    /// Takes a byte.
    ///
    /// - Returns: the event that it ends, if there is one.
    public mutating func take(_ byte: UInt8) -> SLCANEvent? {
        switch byte {
        case 0x07:
            clear()
            return .refused
        case 0x0D:
            defer { clear() }
            return isTooLong ? nil : Self.event(line)
        default:
            if line.count < Self.longest { line.append(byte) } else { isTooLong = true }
            return nil
        }
    }

    private mutating func clear() {
        line.removeAll(keepingCapacity: true)
        isTooLong = false
    }

    private static func event(_ line: [UInt8]) -> SLCANEvent? {
        // An adapter that polls answers a command and a frame in one line: "zt3050".
        let line = line.drop { $0 == UInt8(ascii: "z") }
        switch line.first {
        case UInt8(ascii: "t"): return frame(line.dropFirst()).map { .frame($0) }
        case UInt8(ascii: "F"):
            guard line.count == 3, let flags = number(line.dropFirst()) else { return nil }
            return .flags(SLCANFlags(rawValue: UInt8(flags)))
        default: return nil
        }
    }

    private static func frame(_ text: ArraySlice<UInt8>) -> CANFrame? {
        guard text.count >= 4, let id = number(text.prefix(3)), let count = number(text.dropFirst(3).prefix(1)),
            count <= 8
        else { return nil }
        let data = text.dropFirst(4)
        // A time stamp of four digits may follow.
        guard data.count == count * 2 || data.count == count * 2 + 4, let bytes = Hex.bytes(data.prefix(count * 2)),
            bytes.count == count
        else { return nil }
        return CANFrame(id: UInt16(id), data: bytes)
    }

    private static func number(_ digits: ArraySlice<UInt8>) -> Int? {
        guard digits.allSatisfy({ Character(UnicodeScalar($0)).isHexDigit }) else { return nil }
        return Int(String(decoding: digits, as: UTF8.self), radix: 16)
    }
}
