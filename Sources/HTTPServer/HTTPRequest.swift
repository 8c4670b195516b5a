/// A request whose every part was checked.
public struct HTTPRequest: Hashable, Sendable {
    /// What a request asks for.
    public enum Method: String, Sendable {
        /// To get something. `HEAD` is the same to a handler; the server leaves the body out.
        case get = "GET"
        /// To do something.
        case post = "POST"
    }

    /// The method.
    public var method: Method
    /// The path, decoded, without its leading slash: no segment is empty (but the last, after a slash), "." or "..", and no character is a
    /// control or a backslash.
    public var path: String
    /// The parameters of the query, decoded. No name comes twice.
    public var query: [String: String]
    /// The headers; names in lower case. Values of a header that comes twice are joined by commas.
    public var headers: [String: String]
    /// The body; empty without one.
    public var body: [UInt8] = []
    /// The peer's address in figures; a reverse proxy's, where there is one.
    public var peer: String
    /// The peer's address as bytes.
    public var address: [UInt8] = []
    /// The peer's address, or its IPv6 network of 64 bits, as bytes.
    public var network: [UInt8] = []
    /// The peer is on this machine.
    public var isLoopback = false

    /// A header by its name in lower case.
    public func header(_ name: String) -> String? { headers[name] }

    /// The value of a cookie; `nil` where there is none, or where two have the name: one of them is not ours.
    public func cookie(_ name: String) -> String? {
        guard let header = headers["cookie"] else { return nil }
        var found: String?
        for pair in header.utf8.split(separator: UInt8(ascii: ";")) {
            let pair = Substring(pair).trimmed
            guard let sign = pair.firstIndex(of: "="), pair[..<sign] == name else { continue }
            guard found == nil else { return nil }
            found = String(pair[pair.index(after: sign)...])
        }
        return found
    }
}

extension Substring {
    /// The text without spaces and tabulators at its ends.
    var trimmed: Substring {
        var bytes = utf8
        while let first = bytes.first, first == 0x20 || first == 0x09 { bytes.removeFirst() }
        while let last = bytes.last, last == 0x20 || last == 0x09 { bytes.removeLast() }
        return Substring(bytes)
    }
}
