import LinuxIO

/// The source of a pack's bytes, as the configuration spells it.
public enum SourceAddress: Hashable, Sendable, CustomStringConvertible {
    /// `serial:/dev/ttyUSB0`
    case serial(path: String)
    /// `serial:auto`: the vendor's cable, by its USB name.
    case serialAuto
    /// `tcp:host:port`: ser2net, Wi-Fi serial bridges.
    case tcp(host: String, port: Int)
    /// `replay:FILE`, `replay:FILE@10`, `replay:FILE@max`: a recording in real time, ten times as fast, or as fast as it
    /// can be read (speed `nil`).
    case replay(path: String, speed: Double?)
    /// `simulator:SCENARIO`: a simulated pack inside the bridge.
    case simulator(scenario: String)

    /// Reads a source as people write it.
    ///
    /// - Throws: ``SourceAddressError``, which says what is wrong and how a source should look.
    public init(_ text: String) throws(SourceAddressError) {
        guard let colon = text.firstIndex(of: ":") else { throw SourceAddressError(text) }
        let rest = String(text[text.index(after: colon)...])
        guard !rest.isEmpty else { throw SourceAddressError(text) }
        switch text[..<colon] {
        case "serial" where rest == "auto": self = .serialAuto
        case "serial" where rest.hasPrefix("/"): self = .serial(path: rest)
        case "tcp": self = try Self.tcp(rest, text)
        case "replay": self = Self.replay(rest)
        case "simulator": self = .simulator(scenario: rest)
        default: throw SourceAddressError(text)
        }
    }

    /// The address as people write it.
    public var description: String {
        switch self {
        case .serial(let path): "serial:\(path)"
        case .serialAuto: "serial:auto"
        case .tcp(let host, let port): host.contains(":") ? "tcp:[\(host)]:\(port)" : "tcp:\(host):\(port)"
        case .replay(let path, let speed):
            "replay:\(path)" + (speed == 1 ? "" : "@\(speed.map(String.init(describing:)) ?? "max")")
        case .simulator(let scenario): "simulator:\(scenario)"
        }
    }

    private static func replay(_ rest: String) -> SourceAddress {
        if let mark = rest.lastIndex(of: "@"), mark != rest.startIndex {
            let path = String(rest[..<mark])
            let pace = rest[rest.index(after: mark)...]
            if pace == "max" { return .replay(path: path, speed: nil) }
            if let speed = Double(pace), speed > 0, speed <= 100_000 { return .replay(path: path, speed: speed) }
        }
        return .replay(path: rest, speed: 1)
    }

    private static func tcp(_ rest: String, _ text: String) throws(SourceAddressError) -> SourceAddress {
        guard
            let colon = rest.lastIndex(of: ":"), let port = Int(rest[rest.index(after: colon)...]),
            (1...65_535).contains(port)
        else { throw SourceAddressError(text) }
        let written = String(rest[..<colon])
        // Without brackets nobody knows where an address ends and its port begins.
        guard written.hasPrefix("[") || !written.contains(":") else { throw SourceAddressError(text) }
        guard case .success(let host) = HostName.parse(written) else { throw SourceAddressError(text) }
        return .tcp(host: host, port: port)
    }
}

/// A source that cannot be understood.
public struct SourceAddressError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The fault, and the form that a source should have.
    public let description: String

    init(_ text: String) {
        description =
            "'\(text)' is no source: use serial:auto, serial:/dev/ttyUSB0, tcp:host:port (tcp:[address]:port for IPv6), "
            + "replay:FILE (replay:FILE@max plays it as fast as possible) or simulator:SCENARIO"
    }
}
