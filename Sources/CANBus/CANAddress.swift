public import SerialLink

/// A CAN bus, as the configuration spells it.
public enum CANAddress: Hashable, Sendable, CustomStringConvertible {
    /// `can:can0`: an interface of the kernel.
    case interface(String)
    /// `slcan:/dev/serial/by-id/...`: a serial adapter that speaks SLCAN.
    case adapter(path: String)

    /// Longest name of an interface.
    private static let longestName = 15

    /// Reads a bus as people write it.
    ///
    /// - Throws: ``CANAddressError``, which says what is wrong and how a bus should look.
    public init(_ text: String) throws(CANAddressError) {
        guard let address = Self.parse(text) else {
            throw CANAddressError(text, Self.likely(text).first { Self.parse($0) != nil })
        }
        self = address
    }

    /// The address as people write it.
    public var description: String {
        switch self {
        case .interface(let name): "can:\(name)"
        case .adapter(let path): "slcan:\(path)"
        }
    }

    /// The serial port of an adapter; `nil` for an interface.
    public var port: SourceAddress? { if case .adapter(let path) = self { .serial(path: path) } else { nil } }

    /// A text that is equal for two spellings of one bus, as far as this machine can tell.
    public var identity: String { port?.identity ?? description }

    private static func parse(_ text: String) -> CANAddress? {
        guard let colon = text.firstIndex(of: ":") else { return nil }
        let rest = String(text[text.index(after: colon)...])
        switch text[..<colon] {
        case "can":
            let isSound = rest.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "."):
                    true
                default: false
                }
            }
            return isSound && (1...longestName).contains(rest.utf8.count) && rest != "." && rest != ".."
                ? .interface(rest) : nil
        case "slcan": return rest.hasPrefix("/") ? .adapter(path: rest) : nil
        default: return nil
        }
    }

    /// Buses that a text may have been meant for, the likeliest first.
    private static func likely(_ text: String) -> [String] {
        if text.hasPrefix("/") { return ["slcan:\(text)"] }
        let port = ["serial:", "slcan:"].first(where: text.hasPrefix).map { text.dropFirst($0.count) } ?? text[...]
        if port.hasPrefix("/") { return ["slcan:\(port)"] }
        if port.hasPrefix("tty") || port.hasPrefix("serial/") { return ["slcan:/dev/\(port)"] }
        return text.contains(":") ? [] : ["can:\(text)"]
    }
}

/// A bus that cannot be understood.
public struct CANAddressError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The fault, and the form that a bus should have.
    public let description: String

    init(_ text: String, _ likely: String?) {
        let hint =
            likely.map { "did you mean \($0)?" }
            ?? "use can:can0 for an interface of this machine, or slcan:/dev/serial/by-id/... for a serial adapter"
        description = "'\(text.prefix(100))' is no CAN bus: \(hint)"
    }
}
