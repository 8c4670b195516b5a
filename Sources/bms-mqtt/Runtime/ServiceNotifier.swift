import CLinux
import Glibc

/// Tells the service manager how the program stands: sd_notify(3), which is one datagram to the socket of $NOTIFY_SOCKET.
///
/// Not libsystemd: it would bring compression and encryption libraries along for these few lines, and containers and other
/// managers know the same protocol. Where nobody listens there is no notifier, and nothing is sent.
struct ServiceNotifier: Sendable {
    private static let longestPath = 107

    /// Half the time after which the manager gives this process up, in milliseconds; `nil`: it does not watch.
    let feedInterval: Int64?
    /// The path; a first '@' stands for the zero byte of an abstract name.
    private let path: String

    /// A notifier by the environment; `nil` where nobody asks for one.
    ///
    /// - Parameters:
    ///   - variable: value of an environment variable.
    ///   - process: own process id; a watchdog for another process is not ours to feed.
    init?(variable: (String) -> String? = Self.environment, process: Int32 = getpid()) {
        // Other kinds of address (vsock) exist for virtual machines only.
        guard let path = variable("NOTIFY_SOCKET"), path.hasPrefix("/") || path.hasPrefix("@"),
            (2...Self.longestPath).contains(path.utf8.count)
        else { return nil }
        self.path = path
        let isOurs = variable("WATCHDOG_PID").map { Int32($0) == process } ?? true
        let microseconds = isOurs ? variable("WATCHDOG_USEC").flatMap { Int64($0) } ?? 0 : 0
        feedInterval = microseconds > 0 ? max(1, microseconds / 2000) : nil
    }

    static func environment(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }

    /// Sends assignments, one a line. Never waits: a manager that does not read must not stop the bridge.
    ///
    /// - Returns: whether the manager has it.
    @discardableResult
    func send(_ assignments: [String]) -> Bool {
        let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue), 0)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        var name = Array(path.utf8)
        if path.hasPrefix("@") { name[0] = 0 }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: name) }
        // An abstract name is as long as it is said to be; a path ends with a zero.
        let zero = path.hasPrefix("@") ? 0 : 1
        let length = socklen_t(MemoryLayout<sa_family_t>.size + name.count + zero)
        let text = Array(assignments.joined(separator: "\n").utf8)
        let sent = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                sendto(descriptor, text, text.count, Int32(MSG_NOSIGNAL), $0, length)
            }
        }
        return sent == text.count
    }

    /// The configuration is being read again; ``ready(_:)`` ends it.
    func reloading() { send(["RELOADING=1", "MONOTONIC_USEC=\(Self.microseconds())"]) }

    /// The clean end has begun.
    func stopping() { send(["STOPPING=1", "STATUS=stopping"]) }

    private static func microseconds() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000
    }
}
