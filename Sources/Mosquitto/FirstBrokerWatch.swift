import Glibc
import LinuxIO

/// Looks, on a thread of its own, whether a broker listens: an address that leads nowhere, or a name server, may hold up such a look for
/// long, and the present connection must not wait for it.
final class FirstBrokerWatch: Sendable {
    /// Seconds for one look at each address of the broker.
    private static let patience = 5.0

    private let end = EventDescriptor()

    /// Looks after each interval, until the broker listens or ``stop()`` is called.
    ///
    /// - Parameter found: is called once, on the watch's thread, when the broker listens.
    func start(_ broker: BrokerAddress, every seconds: Double, found: @escaping @Sendable () -> Void) {
        // Without a thread, the present broker serves on.
        _ = OwnThread.start("first-broker") { [end] in
            while !end.wait(seconds: seconds) {
                switch TCPDialer.dial(host: broker.host, port: broker.port, seconds: Self.patience, stop: end) {
                case .connected(let descriptor):
                    close(descriptor)
                    if !end.wait(seconds: 0) { found() }
                    return
                case .stopped: return
                case .refused, .unknownHost: break
                }
            }
        }
    }

    func stop() { end.set() }
}
