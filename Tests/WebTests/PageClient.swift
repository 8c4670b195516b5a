import Glibc
import LinuxIO
import TestSupport

/// A client of one request.
final class PageClient {
    private let descriptor: Int32

    init?(_ port: Int) {
        guard let descriptor = FreePort.connect(port) else { return nil }
        self.descriptor = descriptor
    }

    deinit { close(descriptor) }

    func ask(_ path: String) {
        let request = Array("GET /\(path) HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".utf8)
        _ = Glibc.send(descriptor, request, request.count, Int32(MSG_NOSIGNAL))
    }

    /// All that the server says until the end of the connection.
    func answer() -> String {
        var (text, part) = ([UInt8](), [UInt8](repeating: 0, count: 4_096))
        while Poll.wait(for: descriptor, seconds: 20) == .ready {
            let count = recv(descriptor, &part, part.count, 0)
            guard count > 0 else { break }
            text += part[..<count]
        }
        return String(decoding: text, as: UTF8.self)
    }
}
