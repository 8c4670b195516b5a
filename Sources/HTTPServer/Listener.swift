import CLinux
import Glibc

/// A listening socket.
struct Listener: Sendable {
    let descriptor: Int32
    let port: Int

    func close() { _ = Glibc.close(descriptor) }

    static func open(_ options: HTTPOptions) throws(HTTPFault) -> Listener {
        guard let port = UInt16(exactly: options.port) else {
            throw HTTPFault("\(options.port) is no port: use 1 to 65535")
        }
        var hints = addrinfo()
        hints.ai_flags = AI_NUMERICHOST | AI_PASSIVE
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        defer { if let list { freeaddrinfo(list) } }
        guard getaddrinfo(options.address, String(port), &hints, &list) == 0, let entry = list?.pointee else {
            throw HTTPFault(
                "'\(options.address.prefix(100))' is no address to listen on: use 127.0.0.1 for this machine alone, "
                    + "or 0.0.0.0 for the network")
        }
        let flags = Int32(SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
        let descriptor = socket(entry.ai_family, entry.ai_socktype | flags, entry.ai_protocol)
        guard descriptor >= 0 else { throw fault(options, errno) }
        // A server that starts again would else wait a minute for the port's old connections.
        set(descriptor, SOL_SOCKET, SO_REUSEADDR, 1)
        if entry.ai_family == AF_INET6 { set(descriptor, Int32(IPPROTO_IPV6), IPV6_V6ONLY, 0) }
        guard bind(descriptor, entry.ai_addr, entry.ai_addrlen) == 0, listen(descriptor, 128) == 0 else {
            let number = errno
            Glibc.close(descriptor)
            throw fault(options, number)
        }
        return Listener(descriptor: descriptor, port: ownPort(descriptor))
    }

    /// Sets an option of a socket to a number.
    static func set(_ descriptor: Int32, _ level: Int32, _ option: Int32, _ value: Int32) {
        var value = value
        setsockopt(descriptor, level, option, &value, socklen_t(MemoryLayout<Int32>.size))
    }

    private static func ownPort(_ descriptor: Int32) -> Int {
        var address = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        return withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { _ = getsockname(descriptor, $0, &length) }
            // The port is in the same place for both families.
            return pointer.withMemoryRebound(to: sockaddr_in.self, capacity: 1) {
                Int(UInt16(bigEndian: $0.pointee.sin_port))
            }
        }
    }

    private static func fault(_ options: HTTPOptions, _ number: Int32) -> HTTPFault {
        let place = "port \(options.port) of \(options.address)"
        return switch number {
        case EADDRINUSE:
            HTTPFault(
                "\(place) is taken: another program listens there ('ss -ltnp' tells which); end it, or choose another port"
            )
        case EACCES, EPERM:
            HTTPFault(
                "\(place) may not be opened by this user: choose a port above 1023, or allow it (AmbientCapabilities)")
        case EADDRNOTAVAIL: HTTPFault("\(options.address) is no address of this machine: 'ip address' lists them")
        default: HTTPFault("cannot listen on \(place): \(String(cString: strerror(number)))")
        }
    }
}
