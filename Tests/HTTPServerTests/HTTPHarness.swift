import CLinux
import Glibc
import HTTPServer
import LinuxIO
import TestSupport

/// A client that sends what a test says, byte by byte.
final class RawClient {
    let descriptor: Int32
    private var buffer: [UInt8] = []

    /// What a server answered.
    struct Response {
        var status = 0
        var headers: [String: String] = [:]
        var body: [UInt8] = []
        var text: String { String(decoding: body, as: UTF8.self) }
    }

    init?(_ port: Int, receiveBuffer: Int32? = nil) {
        guard let descriptor = FreePort.connect(port) else { return nil }
        self.descriptor = descriptor
        if var size = receiveBuffer {
            setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &size, socklen_t(MemoryLayout<Int32>.size))
        }
    }

    deinit { close(descriptor) }

    /// Sends bytes; `false` once the server has closed the connection.
    @discardableResult
    func send(_ bytes: [UInt8]) -> Bool {
        Glibc.send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count
    }

    @discardableResult
    func send(_ text: String) -> Bool { send(Array(text.utf8)) }

    /// Sends a whole request.
    @discardableResult
    func request(
        _ method: String = "GET", _ target: String, host: String? = "localhost", _ lines: [String] = [],
        body: String = ""
    ) -> Bool {
        var text = "\(method) \(target) HTTP/1.1\r\n"
        if let host { text += "Host: \(host)\r\n" }
        if !body.isEmpty { text += "Content-Length: \(body.utf8.count)\r\n" }
        return send(text + lines.map { "\($0)\r\n" }.joined() + "\r\n" + body)
    }

    /// Reads more; `false` at the end of the connection, or when nothing comes.
    private func more(seconds: Double) -> Bool {
        guard Poll.wait(for: descriptor, seconds: seconds) == .ready else { return false }
        var part = [UInt8](repeating: 0, count: 65_536)
        let count = recv(descriptor, &part, part.count, 0)
        guard count > 0 else { return false }
        buffer += part[..<count]
        return true
    }

    /// The text up to and with a mark.
    func read(until mark: String, seconds: Double = Deadline.hanging) -> String? {
        let end = Deadline(seconds: seconds)
        while true {
            if let range = buffer.firstRange(of: Array(mark.utf8)) {
                defer { buffer.removeSubrange(..<range.upperBound) }
                return String(decoding: buffer[..<range.upperBound], as: UTF8.self)
            }
            guard !end.isOver, more(seconds: seconds) else { return nil }
        }
    }

    /// The next answer, with a body of known length.
    func response(isHead: Bool = false) -> Response? {
        guard let head = read(until: "\r\n\r\n") else { return nil }
        var response = Response()
        let lines = head.split(separator: "\r\n")
        response.status = lines.first?.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
        for line in lines.dropFirst() {
            let colon = line.firstIndex(of: ":") ?? line.startIndex
            response.headers[line[..<colon].lowercased()] = String(line[colon...].dropFirst(2))
        }
        guard !isHead, let count = response.headers["content-length"].flatMap({ Int($0) }) else { return response }
        while buffer.count < count { guard more(seconds: 20) else { return nil } }
        response.body = Array(buffer[..<count])
        buffer.removeSubrange(..<count)
        return response
    }

    /// Returns `true` once the server has closed the connection.
    func isClosed(seconds: Double = Deadline.hanging) -> Bool {
        let end = Deadline(seconds: seconds)
        var part = [UInt8](repeating: 0, count: 65_536)
        while !end.isOver {
            guard Poll.wait(for: descriptor, seconds: seconds) == .ready else { return false }
            if recv(descriptor, &part, part.count, 0) <= 0 { return true }
        }
        return false
    }
}

/// A server that runs as long as a test.
final class RunningServer {
    let server: HTTPServer

    init(_ change: (inout HTTPOptions) -> Void = { _ in }, _ handler: @escaping HTTPServer.Handler = echo) throws {
        var options = HTTPOptions()
        // A machine that is busy with other tests may take its time; what is about time sets its own.
        (options.arrivalSeconds, options.answerSeconds, options.idleSeconds) = (600, 600, 600)
        options.streamSeconds = 600
        change(&options)
        server = HTTPServer(options, handler)
        try server.start()
    }

    deinit { server.stop(seconds: 20) }

    func client(receiveBuffer: Int32? = nil) -> RawClient? { RawClient(server.port, receiveBuffer: receiveBuffer) }

    /// One request on a connection of its own.
    func get(_ target: String, host: String? = "localhost", _ lines: [String] = []) -> RawClient.Response? {
        let client = client()
        client?.request("GET", target, host: host, lines)
        return client?.response()
    }

    /// Waits until something holds.
    func reaches(seconds: Double = Deadline.hanging, _ condition: (HTTPCounters) -> Bool) -> Bool {
        let end = Deadline(seconds: seconds)
        while !condition(server.counters) {
            guard !end.isOver else { return false }
            var entry = pollfd(fd: -1, events: 0, revents: 0)
            poll(&entry, 1, 5)
        }
        return true
    }
}

/// Answers with what the request was.
@Sendable func echo(_ request: HTTPRequest) -> HTTPAnswer {
    let query = request.query.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: ",")
    let text = "\(request.method.rawValue) \(request.path) [\(query)] \(String(decoding: request.body, as: UTF8.self))"
    return HTTPAnswer(type: "text/plain; charset=utf-8", .bytes(Array(text.utf8)))
}
