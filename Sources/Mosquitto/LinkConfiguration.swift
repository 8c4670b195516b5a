public import MQTT

/// The way to reach a broker, or one of several in order of preference, and the identity to use there.
///
/// ```swift
/// var configuration = LinkConfiguration(host: "mqtt.lan", clientID: "bms-mqtt")
/// configuration.tls = TLSConfiguration(caFile: "/etc/bms-mqtt/ca.crt")
/// ```
public struct LinkConfiguration: Sendable {
    /// Name or address of the broker.
    public var host: String
    /// TCP port, 1...65535.
    public var port: Int
    /// Brokers to use while the one of ``host`` does not serve, in order of preference.
    public var others: [BrokerAddress] = []
    /// Seconds between two looks at the first broker while another one serves.
    var lookInterval = BrokerChoice.shortestInterval
    /// Client identifier; two clients with one identifier throw each other off.
    public var clientID: String
    /// User, where the broker asks for one.
    public var username: String?
    /// Password. Never shown: see ``description``.
    public var password: String?
    /// Seconds between signs of life, 5 or more (the library's minimum). A dead broker is noticed after 25 to 30 s. A broker publishes the
    /// will 1.5 times the keepalive after the last sign, and mosquitto checks every 5 s: 14.4 s with a keepalive of 6.
    public var keepalive = 6
    /// TLS; `nil` for plain TCP.
    public var tls: TLSConfiguration?
    /// The message that the broker publishes when this client dies.
    public var will: MQTTMessage?
    /// The version of MQTT to speak.
    public var protocolPreference = ProtocolPreference.automatic
    /// Largest packet to take, in bytes, header included. An MQTT 5 broker is told this size and leaves out larger packets. Where
    /// ``MosquittoLibrary/hasBounds`` holds, a broker that sends a larger packet nevertheless loses the connection before memory is taken
    /// for the packet; otherwise the message is dropped afterwards. Each such message is counted in ``MosquittoLink/droppedMessages``.
    public var maximumPacket = 65_536
    /// A function that gets, on the network thread, a sentence for each subscription and each message that the broker refuses, as far as
    /// the broker says so (messages with QoS 1 or 2, or with a receipt); and for each message that is larger than the broker takes.
    public var onRefusal: (@Sendable (String) -> Void)?

    /// A plain connection with the defaults above.
    public init(host: String, port: Int = 1883, clientID: String) {
        self.host = host
        self.port = port
        self.clientID = clientID
    }

    /// All brokers in order of preference, at least one.
    public var brokers: [BrokerAddress] { [BrokerAddress(host: host, port: port)] + others }

    /// The configuration of one broker alone.
    public func only(_ broker: BrokerAddress) -> LinkConfiguration {
        var configuration = self
        (configuration.host, configuration.port, configuration.others) = (broker.host, broker.port, [])
        return configuration
    }

    /// "host:port" of each broker, as messages name them.
    public var address: String { brokers.map(\.description).joined(separator: ", ") }

    /// The first broker is on this machine: messages to it pass no network.
    public var isLocal: Bool { brokers[0].isLocal }
}

extension LinkConfiguration: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// Broker and user; no password.
    public var description: String { "\(tls == nil ? "mqtt" : "mqtts")://\(username.map { "\($0)@" } ?? "")\(address)" }
    /// Broker and user; no password.
    public var debugDescription: String { description }
    /// No members: a dump shows no password either.
    public var customMirror: Mirror { Mirror(self, children: []) }
}

/// TLS towards the broker. Certificate and host name are always verified.
public struct TLSConfiguration: Sendable {
    /// Certificates to trust (PEM); `nil` for those of the system.
    public var caFile: String?
    /// Certificate of this client (PEM).
    public var certificateFile: String?
    /// Key of this client's certificate (PEM, without passphrase).
    public var keyFile: String?

    /// TLS that trusts the given certificates.
    public init(caFile: String? = nil, certificateFile: String? = nil, keyFile: String? = nil) {
        self.caFile = caFile
        self.certificateFile = certificateFile
        self.keyFile = keyFile
    }
}

/// The versions of MQTT to speak.
public enum ProtocolPreference: Sendable {
    /// MQTT 5, and 3.1.1 where the broker does not know 5.
    case automatic
    /// MQTT 5 only.
    case v5
    /// MQTT 3.1.1 only.
    case v311
}

/// The MQTT that was agreed on.
public enum ProtocolVersion: String, Sendable {
    /// MQTT 5: message expiry, response topics.
    case v5 = "MQTT 5"
    /// MQTT 3.1.1.
    case v311 = "MQTT 3.1.1"
}
