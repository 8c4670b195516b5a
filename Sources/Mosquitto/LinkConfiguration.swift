/// How to reach a broker and who to be there.
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
    /// Client identifier; two clients with one identifier throw each other off.
    public var clientID: String
    /// User, where the broker asks for one.
    public var username: String?
    /// Password. Never shown: see ``description``.
    public var password: String?
    /// Seconds between signs of life, 5 or more (the library's minimum). A dead broker is noticed after 25 to 30 s. A broker
    /// speaks the will 1.5 times this after the last sign, and mosquitto looks each 5 s: 14.4 s with 6.
    public var keepalive = 6
    /// TLS; `nil`: plain TCP.
    public var tls: TLSConfiguration?
    /// What the broker says when this client dies.
    public var will: OutgoingMessage?
    /// Which MQTT to speak.
    public var protocolPreference = ProtocolPreference.automatic
    /// Largest packet to take, in bytes, header included. An MQTT 5 broker is told and leaves out what is larger; one that sends it
    /// nevertheless loses the connection before memory is taken for it, where ``MosquittoLibrary/hasBounds`` holds. Else the message
    /// is dropped afterwards. Each is counted in ``MosquittoLink/droppedMessages``.
    public var maximumPacket = 65_536
    /// Hears, on the network thread, a sentence for each subscription and each message that the broker refuses, as far as it says so: of
    /// quality 1 or 2, or with a receipt; and for each that is larger than the broker takes.
    public var onRefusal: (@Sendable (String) -> Void)?

    /// A plain connection with the defaults above.
    public init(host: String, port: Int = 1883, clientID: String) {
        self.host = host
        self.port = port
        self.clientID = clientID
    }

    /// "host:port", as messages name the broker.
    public var address: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }

    /// The broker is on this machine: what goes there passes no network.
    public var isLocal: Bool { host == "localhost" || host.hasPrefix("127.") || host == "::1" }
}

extension LinkConfiguration: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// Broker and user; no password.
    public var description: String { "\(tls == nil ? "mqtt" : "mqtts")://\(username.map { "\($0)@" } ?? "")\(address)" }
    /// The same.
    public var debugDescription: String { description }
    /// No members: a dump shows no password either.
    public var customMirror: Mirror { Mirror(self, children: []) }
}

/// TLS towards the broker. Certificate and host name are always verified.
public struct TLSConfiguration: Sendable {
    /// Certificates to trust (PEM); `nil`: the system's.
    public var caFile: String?
    /// Certificate of this client (PEM).
    public var certificateFile: String?
    /// Its key (PEM, without passphrase).
    public var keyFile: String?

    /// TLS that trusts the given certificates.
    public init(caFile: String? = nil, certificateFile: String? = nil, keyFile: String? = nil) {
        self.caFile = caFile
        self.certificateFile = certificateFile
        self.keyFile = keyFile
    }
}

/// Which MQTT to speak.
public enum ProtocolPreference: Sendable {
    /// 5, and 3.1.1 where the broker knows no 5.
    case automatic
    /// 5 only.
    case v5
    /// 3.1.1 only.
    case v311
}

/// The MQTT that was agreed on.
public enum ProtocolVersion: String, Sendable {
    /// MQTT 5: message expiry, response topics.
    case v5 = "MQTT 5"
    /// MQTT 3.1.1.
    case v311 = "MQTT 3.1.1"
}
