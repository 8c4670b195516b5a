import Glibc

/// Names and addresses of hosts as people write them.
package enum HostName {
    /// A text that stands where a host is expected and can never be one.
    package enum Fault: Error, Hashable, Sendable {
        case empty
        /// `mqtt://host`
        case scheme(String)
        /// `host:1883` or `[::1]:1883`
        case port
        /// Spaces, slashes, a user, brackets around no address: what no name has.
        case character
    }

    /// The host without the brackets that an IPv6 address may stand in.
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

    /// An address, with the interface of a local one behind a percent sign.
    private static func isIPv6(_ text: String) -> Bool {
        var address = in6_addr()
        let parts = text.split(separator: "%", maxSplits: 1, omittingEmptySubsequences: false)
        return parts.count > 0 && inet_pton(AF_INET6, String(parts[0]), &address) == 1 && parts.last?.isEmpty == false
    }

    /// Letters of all languages: some name services know them.
    private static func isPartOfName(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case "a"..."z", "A"..."Z", "0"..."9", ".", "-", "_": true
        default:
            scalar.properties.isAlphabetic && scalar.value >= 0x80
                || scalar.properties.generalCategory == .nonspacingMark
        }
    }
}
