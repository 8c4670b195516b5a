import CMicrohttpd
import Glibc

/// The other end of a connection.
struct PeerAddress {
    /// The address in figures.
    var text = "unknown"
    /// The address.
    var bytes: [UInt8] = []
    /// The address, or its IPv6 network of 64 bits: one machine can have all addresses of such a network, and all machines of a home share
    /// one. Local addresses of IPv6 are one network, because a machine has several kinds of them.
    var network: [UInt8] = []
    /// The peer is on this machine.
    var isLoopback = false

    init(_ address: UnsafePointer<sockaddr>?) {
        guard let address else {
            self.init()
            return
        }
        switch Int32(address.pointee.sa_family) {
        case AF_INET:
            self.init(
                four: address.withMemoryRebound(to: sockaddr_in.self, capacity: 1) { pointer in
                    withUnsafeBytes(of: pointer.pointee.sin_addr) { Array($0) }
                })
        case AF_INET6:
            let bytes = address.withMemoryRebound(to: sockaddr_in6.self, capacity: 1) { pointer in
                withUnsafeBytes(of: pointer.pointee.sin6_addr) { Array($0) }
            }
            if bytes[..<12] == [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF] {
                self.init(four: Array(bytes[12...]))
            } else {
                self.init(sixteen: bytes)
            }
        default: self.init()
        }
    }

    private init() {}

    private init(four bytes: [UInt8]) {
        text = bytes.map(String.init).joined(separator: ".")
        (self.bytes, network) = (bytes, bytes)
        isLoopback = bytes[0] == 127
    }

    private init(sixteen bytes: [UInt8]) {
        var buffer = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        if let start = inet_ntop(AF_INET6, bytes, &buffer, socklen_t(buffer.count)) { text = String(cString: start) }
        // Link-local (fe80::/10) and unique local (fc00::/7).
        let isLocal = bytes[0] == 0xFE && bytes[1] & 0xC0 == 0x80 || bytes[0] & 0xFE == 0xFC
        (self.bytes, network) = (bytes, isLocal ? [0xFE, 0x80] : Array(bytes[..<8]))
        isLoopback = bytes == [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]
    }

    /// A further connection of this address has a place.
    ///
    /// - Parameter others: the other ends of all connections.
    func hasPlace(beside others: some Sequence<PeerAddress>, _ options: HTTPOptions) -> Bool {
        guard isBounded(options) else { return true }
        let own = others.count { $0.bytes == bytes }
        return own < options.connectionsPerAddress
            && hasPlace(
                beside: others, options.connectionsPerNetwork, options.connections - options.connectionsForLoopback,
                options)
    }

    /// A further event stream of this address has a place.
    ///
    /// - Parameter others: the other ends of all streams.
    func mayStream(beside others: some Sequence<PeerAddress>, _ options: HTTPOptions) -> Bool {
        !isBounded(options)
            || hasPlace(
                beside: others, options.streamsPerNetwork, options.streams - options.streamsForLoopback, options)
    }

    /// The bounds hold for this address.
    func isBounded(_ options: HTTPOptions) -> Bool { !isLoopback || options.limitsLoopback }

    /// Others leave a place.
    ///
    /// - Parameters:
    ///   - mostNear: places for this network.
    ///   - most: places for all for whom the bounds hold.
    private func hasPlace(
        beside others: some Sequence<PeerAddress>, _ mostNear: Int, _ most: Int, _ options: HTTPOptions
    ) -> Bool {
        var (near, all) = (0, 0)
        for other in others where other.isBounded(options) {
            all += 1
            if other.network == network { near += 1 }
        }
        return near < mostNear && all < most
    }
}
