import CLinux
import Glibc

/// A service manager's end of sd_notify: a real datagram socket.
public final class NotifySocket: Sendable {
    /// Value for $NOTIFY_SOCKET.
    public let path: String
    private let descriptor: Int32
    private let folder = TemporaryFolder()

    /// A socket in a folder of its own, or one with an abstract name.
    public init(isAbstract: Bool = false) {
        path = isAbstract ? "@bms-mqtt-test-\(getpid())-\(UInt64.random(in: 0...UInt64.max))" : "\(folder.path)/notify"
        descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        var name = Array(path.utf8)
        if isAbstract { name[0] = 0 }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: name) }
        let length = socklen_t(MemoryLayout<sa_family_t>.size + name.count + (isAbstract ? 0 : 1))
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, length) }
        }
        precondition(result == 0, "cannot bind \(path)")
    }

    deinit { close(descriptor) }

    /// The next datagram; `nil`: none comes in time.
    public func next(seconds: Double = Deadline.hanging) -> String? {
        var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        guard poll(&entry, 1, Int32(seconds * 1000)) > 0 else { return nil }
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = recv(descriptor, &buffer, buffer.count, 0)
        return count < 0 ? nil : String(decoding: buffer[..<count], as: UTF8.self)
    }

    /// Datagrams up to the first one with a text; the last one is without it when time is up.
    public func read(until mark: String, seconds: Double = Deadline.hanging) -> [String] {
        var datagrams: [String] = []
        let end = Deadline(seconds: seconds)
        while !end.isOver, datagrams.last?.contains(mark) != true {
            if let datagram = next(seconds: 0.1) { datagrams.append(datagram) }
        }
        return datagrams
    }
}
