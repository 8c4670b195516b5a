import LinuxIO
import Mosquitto
import SerialLink

/// Brokers as people write them: a name or an address, with or without a port.
enum BrokerText {
    /// Largest number of brokers in a list.
    static let most = 16

    /// Host and port of a text; the port is `nil` where the text has none, and the whole is `nil` where it is no broker.
    static func parse(_ text: String) -> (host: String, port: Int?)? {
        guard text.utf8.count <= 255 else { return nil }
        if case .success(let host) = HostName.parse(text) { return (host, nil) }
        if case .tcp(let host, let port)? = try? SourceAddress("tcp:\(text)") { return (host, port) }
        return nil
    }

    /// The texts of a list of brokers, or its first fault.
    static func list(_ node: YAMLNode, _ path: String, _ expectation: String) -> Result<[String], ConfigurationFault> {
        func fault(_ node: YAMLNode, _ text: String) -> Result<[String], ConfigurationFault> {
            .failure(ConfigurationFault(place: node.place, text: "\(path): \(text)"))
        }
        guard case .sequence(let items) = node.content, (1...most).contains(items.count) else {
            return fault(node, "expected \(expectation), found \(node.kind)")
        }
        var texts: [String] = []
        for item in items {
            guard case .scalar(let text, _) = item.content, !item.isEmpty else {
                return fault(item, "expected a name or an address, found \(item.kind)")
            }
            if let complaint = complaint(text) { return fault(item, complaint) }
            texts.append(text)
        }
        return .success(texts)
    }

    private static func complaint(_ text: String) -> String? {
        guard parse(text) == nil else { return nil }
        let found = "found '\(text.prefix(60))'"
        if case .failure(.scheme(let scheme)) = HostName.parse(text) {
            return
                "expected a name or an address, \(found): leave '\(scheme)://' out; TLS is for all of them, under 'tls:'"
        }
        return "expected a broker like broker.lan, 192.0.2.7:1884 or [2001:db8::7]:1883, \(found)"
            + (PastedCharacter.hint(text) ?? "")
    }

    /// The brokers of texts that were checked.
    static func brokers(_ texts: [String], port: Int) -> [BrokerAddress] {
        texts.compactMap { parse($0).map { BrokerAddress(host: $0.host, port: $0.port ?? port) } }
    }
}
