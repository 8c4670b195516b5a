import Glibc

/// Names and addresses of hosts as people write them.
package enum HostName {
    /// The reason why a text can never be a host.
    package enum Fault: Error, Hashable, Sendable {
        case empty
        /// `mqtt://host`
        case scheme(String)
        /// `host:1883` or `[::1]:1883`
        case port
        /// Something that no host name contains: spaces, slashes, a user, or brackets around something other than an address.
        case character
    }

    /// The host, without the brackets that may surround an IPv6 address.
    package static func parse(_ text: String) -> Result<String, Fault> {
        if text.isEmpty { return .failure(.empty) }
        if let colon = text.firstIndex(of: ":"), text[colon...].hasPrefix("://") {
            return .failure(.scheme(String(text[..<colon])))
        }
        if text.hasPrefix("[") {
            guard let end = text.firstIndex(of: "]") else { return .failure(.character) }
            let inside = String(text[text.index(after: text.startIndex)..<end])
            let rest = text[text.index(after: end)...]
            guard isIPv6(inside) else { return .failure(.character) }
            return rest.isEmpty ? .success(inside) : .failure(rest.hasPrefix(":") ? .port : .character)
        }
        if isIPv6(text) { return .success(text) }
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.allSatisfy({ $0.unicodeScalars.allSatisfy(isPartOfName) }) else { return .failure(.character) }
        switch parts.count {
        case 1: return .success(text)
        case 2 where !parts[0].isEmpty && !parts[1].isEmpty && parts[1].utf8.allSatisfy { (48...57).contains($0) }:
            return .failure(.port)
        default: return .failure(.character)
        }
    }

    /// A name as the header `Host` of HTTP and a browser's address line have it: in lower case, without the dot at its end; `nil` for what
    /// is no name of ASCII letters, or too long for DNS (63 characters from dot to dot, 253 in all; RFC 1035).
    package static func ascii(_ text: some StringProtocol) -> String? {
        var name = text.lowercased()
        if name.hasSuffix(".") { name.removeLast() }
        let isSound = name.unicodeScalars.allSatisfy { $0.isASCII && isPartOfName($0) }
        let labels = name.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        let fits = name.utf8.count <= 253 && labels.allSatisfy { (1...63).contains($0.count) }
        return isSound && fits ? name : nil
    }

    /// The host name of this machine; `nil` where it has none.
    package static var ofMachine: String? {
        var buffer = [CChar](repeating: 0, count: 256)
        guard gethostname(&buffer, buffer.count - 1) == 0 else { return nil }
        let name = String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return name.isEmpty ? nil : name
    }

    /// Names by which other machines of the network usually know the one with a host name: that name, its first part alone, and the one that
    /// mDNS gives it.
    package static func inNetwork(_ hostName: String?) -> Set<String> {
        guard let name = hostName.flatMap({ ascii($0) }), let first = name.split(separator: ".").first else {
            return []
        }
        return [name, String(first), "\(first).local"]
    }

    /// True for an IPv6 address; a link-local one may end with a percent sign and its interface.
    private static func isIPv6(_ text: String) -> Bool {
        var address = in6_addr()
        let parts = text.split(separator: "%", maxSplits: 1, omittingEmptySubsequences: false)
        return parts.count > 0 && inet_pton(AF_INET6, String(parts[0]), &address) == 1 && parts.last?.isEmpty == false
    }

    /// True for a character of a host name. Letters of all languages count: some name services know them.
    private static func isPartOfName(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case "a"..."z", "A"..."Z", "0"..."9", ".", "-", "_": true
        default:
            scalar.properties.isAlphabetic && scalar.value >= 0x80
                || scalar.properties.generalCategory == .nonspacingMark
        }
    }
}
