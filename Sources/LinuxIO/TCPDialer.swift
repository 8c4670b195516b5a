package import CLinux
import Glibc

/// TCP connections that give up after some seconds, or at once when told to stop, and that name the cause of a failure. A plain connect
/// blocks for minutes on a black-holed host.
public enum TCPDialer {
    /// The outcome of an attempt to connect.
    public enum Outcome: Hashable, Sendable {
        /// A non-blocking, connected descriptor; the caller closes it.
        case connected(Int32)
        /// The host name cannot be found; the text is the name server's.
        case unknownHost(String)
        /// The connection failed, with the error number of the last address that was tried.
        case refused(Int32)
        /// The stop event was set.
        case stopped
    }

    /// Tries each address of a host.
    public static func dial(host: String, port: Int, seconds: Double, stop: EventDescriptor) -> Outcome {
        var hints = addrinfo()
        hints.ai_family = AF_UNSPEC
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        let result = getaddrinfo(host, String(port), &hints, &list)
        guard result == 0 else { return .unknownHost(String(cString: gai_strerror(result))) }
        defer { freeaddrinfo(list) }
        var outcome = Outcome.refused(EHOSTUNREACH)
        var next = list
        while let entry = next {
            outcome = attempt(entry.pointee, seconds: seconds, stop: stop)
            switch outcome {
            case .connected, .stopped: return outcome
            case .unknownHost, .refused: next = entry.pointee.ai_next
            }
        }
        return outcome
    }

    /// The address of a connection's other end in figures; `nil`: it has none any more.
    public static func peer(of descriptor: Int32) -> String? {
        var address = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        return withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                getpeername(descriptor, address, &length) == 0 ? figures(of: address, length: length) : nil
            }
        }
    }

    /// An address in figures, a link-local one with its interface; `nil`: it has no such form.
    package static func figures(of address: UnsafePointer<sockaddr>, length: socklen_t) -> String? {
        var text = [CChar](repeating: 0, count: Int(NI_MAXHOST))
        guard getnameinfo(address, length, &text, socklen_t(text.count), nil, 0, NI_NUMERICHOST) == 0 else {
            return nil
        }
        return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    private static func attempt(_ entry: addrinfo, seconds: Double, stop: EventDescriptor) -> Outcome {
        let flags = Int32(SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
        let descriptor = socket(entry.ai_family, entry.ai_socktype | flags, entry.ai_protocol)
        guard descriptor >= 0 else { return .refused(errno) }
        let outcome = connect(descriptor, entry, seconds: seconds, stop: stop)
        if case .connected = outcome { return outcome }
        close(descriptor)
        return outcome
    }

    private static func connect(
        _ descriptor: Int32, _ entry: addrinfo, seconds: Double, stop: EventDescriptor
    ) -> Outcome {
        if Glibc.connect(descriptor, entry.ai_addr, entry.ai_addrlen) == 0 { return .connected(descriptor) }
        guard errno == EINPROGRESS else { return .refused(errno) }
        switch Poll.wait(for: descriptor, writing: true, seconds: seconds, stop: stop) {
        case .stopped: return .stopped
        case .timeout: return .refused(ETIMEDOUT)
        case .ready: break
        }
        var error: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &error, &length)
        return error == 0 ? .connected(descriptor) : .refused(error)
    }
}
