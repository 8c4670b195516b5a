import CLinux
import Glibc

/// Waits for many descriptors at a cost that does not grow with their number.
public struct Epoll: ~Copyable {
    private let descriptor: Int32
    private var tokens = [UInt64](repeating: 0, count: 64)

    /// Creates an epoll instance that watches nothing yet.
    public init() { descriptor = epoll_create1(Int32(O_CLOEXEC)) }

    deinit { close(descriptor) }

    /// Watches a descriptor for something to read, until it is closed.
    ///
    /// - Parameter token: the value that ``token(_:)`` gives back when this descriptor is ready.
    /// - Returns: 0, or the error number.
    public func add(_ watched: Int32, token: UInt64) -> Int32 {
        clinux_epoll_add(descriptor, watched, token) == 0 ? 0 : errno
    }

    /// Watches a descriptor no longer.
    public func remove(_ watched: Int32) { epoll_ctl(descriptor, EPOLL_CTL_DEL, watched, nil) }

    /// Waits an hour at most.
    ///
    /// - Returns: the number of descriptors that can be read or have hung up; see ``token(_:)``. Descriptors that stay ready are returned
    ///   again, each in its turn.
    public mutating func wait(seconds: Double) -> Int {
        let milliseconds = Int32((min(max(seconds, 0), 3600) * 1000).rounded(.up))
        return max(0, Int(clinux_epoll_wait(descriptor, &tokens, milliseconds)))
    }

    /// The token of a ready descriptor; the index is below the number that the last wait returned.
    public func token(_ index: Int) -> UInt64 { tokens[index] }
}
