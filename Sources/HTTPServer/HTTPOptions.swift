/// Address and bounds of a server.
public struct HTTPOptions: Hashable, Sendable {
    /// Address of this machine to listen on, in figures; `0.0.0.0` and `::` mean all of them.
    public var address = "127.0.0.1"
    /// Port to listen on, 0...65535; 0 lets the system choose.
    public var port = 0
    /// Names under which browsers reach the server, beside `localhost`: in lower case, without a port.
    public var hostNames: Set<String> = []
    /// The remedy for a request under another name, for people.
    public var nameRemedy = "use its IP address"
    /// Who may show a page in a frame, in terms of a Content-Security-Policy.
    public var frameAncestors = "'none'"

    /// Connections at a time, 1 or more. Further ones wait in the system's queue until one ends.
    public var connections = 64
    /// Connections at a time of one address.
    public var connectionsPerAddress = 16
    /// Connections at a time of one IPv6 network of 64 bits, and of all local addresses of IPv6 together. A machine has an IPv4 address, a
    /// network and local addresses: all three leave something to the others.
    public var connectionsPerNetwork = 20
    /// Connections that only loopback addresses get.
    public var connectionsForLoopback = 6
    /// The bounds of an address and of its network hold for loopback addresses, too. Behind them are all users of a reverse proxy.
    public var limitsLoopback = false
    /// Event streams at a time, less than ``connections`` or nothing else is answered.
    public var streams = 32
    /// Event streams at a time of one IPv4 address or IPv6 network.
    public var streamsPerNetwork = 9
    /// Event streams that only loopback addresses get.
    public var streamsForLoopback = 2
    /// Bytes of memory for the head of a request, for each connection.
    public var headMemory = 16_384
    /// Longest path and query, bytes as sent.
    public var targetLength = 2_048
    /// Largest number of query parameters.
    public var parameters = 32
    /// Longest body of a request, bytes.
    public var bodyLength = 16_384
    /// Bytes of all answers together that their readers have not taken yet. Answers of less than ``smallAnswer`` do not count.
    public var answerBytes = 64 << 20
    /// Bytes of the answers of one IPv4 address or IPv6 network that wait so.
    public var answerBytesPerNetwork = 16 << 20
    /// Bytes of an answer that is given in any case.
    public var smallAnswer = 65_536
    /// Seconds for a whole request to arrive.
    public var arrivalSeconds = 10.0
    /// Seconds for an answer to be taken by its reader.
    public var answerSeconds = 120.0
    /// Seconds, 1 or more, after which a connection is closed on which nothing happens.
    public var idleSeconds = 30
    /// Largest number of bytes that wait for the reader of an event stream, beside those in the system's buffer.
    public var streamBytes = 262_144
    /// Seconds that the oldest of these bytes may have waited. Of a long text, a part has to be taken in that time, and what follows it waits
    /// from its end.
    public var streamSeconds = 30.0
    /// Seconds after which a silent event stream gets a comment, which proxies need and which finds readers that are gone.
    public var commentSeconds = 15.0

    /// The defaults: loopback, and bounds for a page that a few people watch.
    public init() {}
}
