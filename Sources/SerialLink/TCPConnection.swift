import Glibc
import LinuxIO

/// A serial port behind TCP: ser2net, or an ESP with a UART.
struct TCPConnection: Sendable {
    private static let connectSeconds = 5.0

    let host: String
    let port: Int
    let stop: EventDescriptor

    var name: String { SourceAddress.tcp(host: host, port: port).description }

    func open() throws(SerialError) -> SourceOpening.Opened {
        switch TCPDialer.dial(host: host, port: port, seconds: Self.connectSeconds, stop: stop) {
        case .connected(let descriptor):
            // The kernel finds out about a dead peer before the silence limit does.
            var one: Int32 = 1
            setsockopt(descriptor, SOL_SOCKET, SO_KEEPALIVE, &one, socklen_t(MemoryLayout<Int32>.size))
            return SourceOpening.Opened(descriptor: descriptor, name: name)
        case .unknownHost(let reason):
            throw SerialError(.open, name, "the host name cannot be found (\(reason)): check it and the name server")
        case .refused(let number): throw .system(.open, name, number, of: .host)
        case .stopped: throw SerialError(.open, name, "stopped")
        }
    }
}
