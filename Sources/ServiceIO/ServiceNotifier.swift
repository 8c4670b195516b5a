import CLinux
import Glibc

/// Reports the state of the program to the service manager as sd_notify(3) does: by one datagram to the socket of $NOTIFY_SOCKET.
///
/// libsystemd is not used, because it would bring compression and encryption libraries along for these few lines. Containers and
/// other managers know the same protocol. Without $NOTIFY_SOCKET there is no notifier, and nothing is sent.
package struct ServiceNotifier: Sendable {
    private static let longestPath = 107

    /// Half of the manager's watchdog time, milliseconds; `nil`: the manager does not watch this process.
    package let feedInterval: Int64?
    /// The path; a first '@' stands for the zero byte of an abstract name.
    private let path: String

    /// A notifier by the environment; `nil` if the environment asks for none.
    ///
    /// - Parameters:
    ///   - variable: value of an environment variable.
    ///   - process: id of this process; a watchdog for another process is not fed.
    package init?(variable: (String) -> String? = Self.environment, process: Int32 = getpid()) {
        // Other kinds of address (vsock) exist for virtual machines only.
        guard let path = variable("NOTIFY_SOCKET"), path.hasPrefix("/") || path.hasPrefix("@"),
            (2...Self.longestPath).contains(path.utf8.count)
        else { return nil }
        self.path = path
        let isOurs = variable("WATCHDOG_PID").map { Int32($0) == process } ?? true
        let microseconds = isOurs ? variable("WATCHDOG_USEC").flatMap { Int64($0) } ?? 0 : 0
        feedInterval = microseconds > 0 ? max(1, microseconds / 2000) : nil
    }

    package static func environment(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }

    /// Sends assignments, one a line, without a wait: a manager that does not read must not stop the bridge.
    ///
    /// - Returns: `true` if the manager has received them.
    @discardableResult
    package func send(_ assignments: [String]) -> Bool {
        let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue), 0)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        var name = Array(path.utf8)
        if path.hasPrefix("@") { name[0] = 0 }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: name) }
        // The length of the address ends an abstract name; a zero byte ends a path.
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

    /// Reports that the configuration is being read again, until READY=1 is sent.
    package func reloading() { send(["RELOADING=1", "MONOTONIC_USEC=\(Self.microseconds())"]) }

    /// Reports that the clean end has begun.
    package func stopping() { send(["STOPPING=1", "STATUS=stopping"]) }

    private static func microseconds() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000
    }
}
