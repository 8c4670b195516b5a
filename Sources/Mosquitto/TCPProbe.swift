import CLinux
import Glibc

/// Is somebody listening? The library's own connect blocks for minutes on a black-holed host; this gives up after some
/// seconds, at once when told to stop, and leaves a name for what went wrong.
enum TCPProbe {
    enum Outcome: Hashable {
        case listening
        case unknownHost(String)
        /// Error number of the last address that was tried.
        case refused(Int32)
        case stopped
    }

    static func run(host: String, port: Int, seconds: Double, stop: EventDescriptor) -> Outcome {
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
            if outcome == .listening || outcome == .stopped { return outcome }
            next = entry.pointee.ai_next
        }
        return outcome
    }

    private static func attempt(_ entry: addrinfo, seconds: Double, stop: EventDescriptor) -> Outcome {
        let flags = Int32(SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
        let descriptor = socket(entry.ai_family, entry.ai_socktype | flags, entry.ai_protocol)
        guard descriptor >= 0 else { return .refused(errno) }
        defer { close(descriptor) }
        if connect(descriptor, entry.ai_addr, entry.ai_addrlen) == 0 { return .listening }
        guard errno == EINPROGRESS else { return .refused(errno) }
        var entries = [
            pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0),
            pollfd(fd: stop.descriptor, events: Int16(POLLIN), revents: 0),
        ]
        var ready: Int32
        repeat { ready = poll(&entries, 2, Int32(seconds * 1000)) } while ready < 0 && errno == EINTR
        if entries[1].revents != 0 { return .stopped }
        guard ready > 0 else { return .refused(ETIMEDOUT) }
        var error: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &error, &length)
        return error == 0 ? .listening : .refused(error)
    }
}
