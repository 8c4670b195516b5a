import CMicrohttpd
import Glibc

/// The other end of a connection.
struct PeerAddress {
    /// The address in figures.
    var text = "unknown"
    /// The address.
    var bytes: [UInt8] = []
    /// The address, or its IPv6 network of 64 bits: one machine can have all addresses of such a network, and all machines of a home share
    /// one.
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
        (self.bytes, network) = (bytes, Array(bytes[..<8]))
        isLoopback = bytes == [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]
    }

    /// A further connection of this address has a place.
    ///
    /// - Parameter others: the other ends of all connections.
    func hasPlace(beside others: some Sequence<PeerAddress>, _ options: HTTPOptions) -> Bool {
        if isLoopback, !options.limitsLoopback { return true }
        var (own, near) = (0, 0)
        for other in others where other.network == network {
            near += 1
            if other.bytes == bytes { own += 1 }
        }
        return own < options.connectionsPerAddress && near < options.connectionsPerNetwork
    }
}
