import LinuxIO

/// The host that a browser believes to talk to. Pure.
///
/// A page of somebody else can let its own name lead to this server (DNS rebinding), and would then be taken for ours by the browser. Its
/// name gives it away. An address in figures leads nowhere else, so that it needs no list.
struct HostCheck {
    private let name: String

    /// Checks the header `Host`.
    init(_ header: String?, _ options: HTTPOptions) throws(Refusal) {
        guard let header else { throw Refusal(400, "the request does not say which host it is for") }
        guard let name = Self.name(header) else { throw Refusal(400, "the host of the request is no host") }
        guard Self.isOwn(name, options) else {
            throw Refusal(421, "this server does not go by the name '\(name.prefix(64))': \(options.nameRemedy)")
        }
        self.name = name
    }

    /// Refuses a request that another site's page lets the browser send.
    func checkOrigin(_ headers: [String: String], _ options: HTTPOptions) throws(Refusal) {
        let refusal = Refusal(403, "another site's page sent this request")
        if let site = headers["sec-fetch-site"] {
            guard site == "same-origin" || site == "none" else { throw refusal }
            return
        }
        guard let origin = headers["origin"] else { return }
        let scheme = ["http://", "https://"].first(where: origin.hasPrefix)
        guard let scheme, let other = Self.name(String(origin.dropFirst(scheme.count))),
            other == name || options.hostNames.contains(other)
        else { throw refusal }
    }

    private static func isOwn(_ name: String, _ options: HTTPOptions) -> Bool {
        name == "localhost" || isAddress(name) || options.hostNames.contains(name)
    }

    /// The name before a port, in lower case; `nil` for what is neither a name nor an address.
    static func name(_ text: String) -> String? {
        guard (1...270).contains(text.utf8.count) else { return nil }
        let lower = text.lowercased()
        if lower.hasPrefix("[") {
            guard let end = lower.firstIndex(of: "]"), isPort(lower[lower.index(after: end)...]) else { return nil }
            let name = String(lower[...end])
            return isAddress(name) ? name : nil
        }
        let colon = lower.firstIndex(of: ":") ?? lower.endIndex
        guard isPort(lower[colon...]) else { return nil }
        return HostName.ascii(lower[..<colon])
    }

    private static func isPort(_ text: Substring) -> Bool {
        text.isEmpty
            || text.hasPrefix(":") && text.utf8.count <= 6
                && text.utf8.dropFirst().allSatisfy { (0x30...0x39).contains($0) }
    }

    /// An IPv4 address of four numbers, or something like an IPv6 address in brackets: no name has those.
    private static func isAddress(_ name: String) -> Bool {
        if name.hasPrefix("[") {
            let inside = name.utf8.dropFirst().dropLast()
            return inside.contains(UInt8(ascii: ":"))
                && inside.allSatisfy {
                    (0x30...0x3A).contains($0) || (0x61...0x66).contains($0) || $0 == UInt8(ascii: ".")
                }
        }
        let parts = name.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4
            && parts.allSatisfy { part in
                part.utf8.allSatisfy { (0x30...0x39).contains($0) } && UInt8(part) != nil
            }
    }
}
