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
        guard let address = Self.parse(text) else {
            throw SourceAddressError(text, Self.likely(text).first { Self.parse($0) != nil })
        }
        self = address
    }

    private static func parse(_ text: String) -> SourceAddress? {
        guard let colon = text.firstIndex(of: ":") else { return nil }
        let rest = String(text[text.index(after: colon)...])
        guard !rest.isEmpty else { return nil }
        return switch text[..<colon] {
        case "serial" where rest == "auto": .serialAuto
        case "serial" where rest.hasPrefix("/"): .serial(path: rest)
        case "tcp": tcp(rest)
        case "replay": replay(rest)
        case "simulator": .simulator(scenario: rest)
        default: nil
        }
    }

    /// Sources that a text may have been meant for, the likeliest first.
    private static func likely(_ text: String) -> [String] {
        var likely: [String] = []
        if let mark = text.firstRange(of: "://") {
            let rest = text[mark.upperBound...]
            likely.append("\(text[..<mark.lowerBound].lowercased()):\(rest)")
        }
        if text.lowercased() == "auto" { likely.append("serial:auto") }
        if text.hasPrefix("/") { likely.append(text.hasSuffix(".rec") ? "replay:\(text)" : "serial:\(text)") }
        let port = text.hasPrefix("serial:") ? text.dropFirst("serial:".count) : text[...]
        if port.hasPrefix("tty") || port.hasPrefix("serial/") { likely.append("serial:/dev/\(port)") }
        // 192.0.2.9:4001
        if !["tcp:", "serial:", "replay:", "simulator:"].contains(where: text.hasPrefix) {
            likely.append("tcp:\(text)")
        }
        return likely
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

    private static func tcp(_ rest: String) -> SourceAddress? {
        guard
            let colon = rest.lastIndex(of: ":"), let port = Int(rest[rest.index(after: colon)...]),
            (1...65_535).contains(port)
        else { return nil }
        let written = String(rest[..<colon])
        // Without brackets nobody knows where an address ends and its port begins.
        guard written.hasPrefix("[") || !written.contains(":") else { return nil }
        guard case .success(let host) = HostName.parse(written) else { return nil }
        return .tcp(host: host, port: port)
    }
}

/// A source that cannot be understood.
public struct SourceAddressError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The fault, and the form that a source should have.
    public let description: String

    init(_ text: String, _ likely: String?) {
        let hint: String
        if let likely {
            hint = "did you mean \(likely)?"
        } else if text.uppercased().hasPrefix("COM") {
            hint = "a cable on Linux is serial:auto or serial:/dev/ttyUSB0"
        } else {
            hint =
                "use serial:auto, serial:/dev/ttyUSB0, tcp:host:port (tcp:[address]:port for IPv6), replay:FILE (replay:FILE@max "
                + "plays it as fast as possible) or simulator:SCENARIO"
        }
        description = "'\(text)' is no source: \(hint)"
    }
}
