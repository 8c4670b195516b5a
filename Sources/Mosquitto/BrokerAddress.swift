/// Name or address of a broker, and its TCP port.
public struct BrokerAddress: Hashable, Sendable, CustomStringConvertible {
    /// Name or address.
    public var host: String
    /// TCP port, 1...65535.
    public var port: Int

    /// An address.
    public init(host: String, port: Int) {
        self.host = host
        self.port = port
    }

    /// "host:port", as messages name the broker.
    public var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }

    /// The broker is on this machine: messages to it pass no network.
    public var isLocal: Bool { host == "localhost" || host.hasPrefix("127.") || host == "::1" }
}
