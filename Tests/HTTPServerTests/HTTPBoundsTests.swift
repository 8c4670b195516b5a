import Glibc
import HTTPServer
import JSON
import LinuxIO
import TestSupport
import TestThreads
import Testing

@Suite("The web server refuses", .waits, .timeLimit(.minutes(10)))
struct HTTPBoundsTests {
    @Test(
        "Paths and queries that are not clean",
        arguments: [
            "/..", "/../etc/passwd", "/a/../b", "/%2e%2e/x", "/.", "/a/%2E", "/%00", "/a%00b", "/a%2fb", "/a%5cb",
            "/a\\b",
            "//", "/a//b", "/%", "/%4", "/%zz", "/%ff", "/a%0d%0aX:y", "/%7f", "/?a=%00", "/?a=1&a=2", "/?=1", "/#x",
            "/a\u{E9}",
            "http://localhost/", "*", "x",
        ])
    func targets(_ target: String) throws {
        let running = try RunningServer()
        let client = try #require(running.client())
        client.request("GET", target)
        let response = try #require(client.response())
        #expect(response.status == 400)
        #expect(JSONValue(parsing: response.body)?["error"]?.text?.isEmpty == false)
        #expect(client.isClosed())
        #expect(running.server.counters.refused == 1 && running.server.counters.requests == 0)
    }

    /// The library takes a zero byte for the end of a text. What it hands on is clean then, and the next request is answered.
    @Test("Zero bytes in a request line or a header reach no handler")
    func zeroBytes() throws {
        let seen = Journal<HTTPRequest>()
        let running = try RunningServer { _ in
        } _: { request in
            seen.add(request)
            return echo(request)
        }
        for text in [
            "GET /a\0b HTTP/1.1\r\nHost: localhost\r\n\r\n", "GET /a HTTP/1.1\r\nHost: localhost\r\nX: a\0b\r\n\r\n",
            "GET /a HTTP/1.1\r\nHost: evil\0localhost\r\n\r\n", "G\0ET /a HTTP/1.1\r\nHost: localhost\r\n\r\n",
        ] {
            let client = try #require(running.client())
            client.send(text)
            #expect(client.response() != nil)
        }
        for request in seen.all {
            #expect(request.path == "a" && request.headers.values.allSatisfy { !$0.utf8.contains(0) })
        }
        #expect(running.get("/b")?.text == "GET b [] ")
    }

    @Test(
        "What is too long or too much",
        arguments: [
            ("/\(String(repeating: "x", count: 3000))", [], 414),
            ("/?\((0..<40).map { "a\($0)" }.joined(separator: "&"))", [], 400),
            ("/", ["Content-Length: 1000000"], 413), ("/", ["Content-Length: 99999999999999999999"], 413),
            ("/", ["X: \(String(repeating: "x", count: 20_000))"], 431),
        ])
    func lengths(_ target: String, _ lines: [String], _ status: Int) throws {
        let running = try RunningServer()
        let client = try #require(running.client())
        client.request("POST", target, lines)
        let response = try #require(client.response())
        #expect(response.status == status)
        #expect(client.isClosed())
        #expect(running.server.counters.requests == 0)
    }

    @Test(
        "Heads that two parties could read differently",
        arguments: [
            ["Content-Length: 1", "Content-Length: 2"], ["Content-Length: 3", "Transfer-Encoding: chunked"],
            ["Transfer-Encoding: gzip, chunked"], ["Content-Length: +1"], ["Content-Length: -1"], ["Host: other"],
            ["Content-Length: 0x1"],
        ])
    func smuggling(_ lines: [String]) throws {
        let running = try RunningServer()
        let client = try #require(running.client())
        client.request("POST", "/", lines)
        client.send("1\r\nx\r\n0\r\n\r\n")
        #expect(client.response()?.status == 400)
        #expect(client.isClosed())
        #expect(running.server.counters.requests == 0)
    }

    @Test(
        "Hosts that are not ours",
        arguments: [
            ("evil.example", 421), ("localhost.evil.example", 421), ("127.0.0.1.evil.example", 421),
            ("127.0.0.1:x", 400),
            ("127.0.0.1@evil.example", 400), ("", 400), ("[::1", 400), ("[evil]", 400), ("256.0.0.1", 421),
            ("1.2.3", 421),
            ("localhost:123456", 400), ("evil..example", 400), (String(repeating: "a", count: 64) + ".example", 400),
            (Array(repeating: String(repeating: "a", count: 62), count: 4).joined(separator: "."), 421),
        ])
    func strangeHosts(_ host: String, _ status: Int) throws {
        let running = try RunningServer {
            $0.hostNames = ["garage.lan"]
            $0.nameRemedy = "say --name"
        }
        let response = try #require(running.get("/", host: host))
        #expect(response.status == status)
        if status == 421 {
            let text = String(decoding: response.body, as: UTF8.self)
            #expect(text.contains("does not go by the name '\(host.prefix(64))': say --name"), "\(text)")
        }
    }

    @Test(
        "Our hosts are let in",
        arguments: [
            "localhost", "LOCALHOST:8080", "localhost.", "127.0.0.1:80", "[::1]:8080", "192.168.1.5", "Garage.lan:1",
        ])
    func ownHosts(_ host: String) throws {
        let running = try RunningServer { $0.hostNames = ["garage.lan"] }
        #expect(running.get("/", host: host)?.status == 200)
    }

    @Test("A request without a host")
    func noHost() throws {
        let running = try RunningServer()
        #expect(running.get("/", host: nil)?.status == 400)
        let client = try #require(running.client())
        client.send("GET / HTTP/1.0\r\n\r\n")
        #expect(client.response()?.status == 400)
    }

    @Test(
        "What another site's page lets a browser send",
        arguments: [
            (["Origin: http://evil.example"], 403), (["Origin: null"], 403), (["Sec-Fetch-Site: cross-site"], 403),
            (["Sec-Fetch-Site: same-site"], 403), (["Origin: http://localhost:8080"], 200),
            (["Origin: https://garage.lan"], 200),
            (["Sec-Fetch-Site: same-origin", "Origin: https://public.example"], 200), ([], 200),
        ])
    func origins(_ lines: [String], _ status: Int) throws {
        let running = try RunningServer { $0.hostNames = ["garage.lan"] }
        let client = try #require(running.client())
        client.request("POST", "/", lines, body: "x")
        #expect(client.response()?.status == status)
    }

    @Test("Other methods", arguments: ["PUT", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PATCH", "get", "X"])
    func methods(_ method: String) throws {
        let running = try RunningServer()
        let client = try #require(running.client())
        client.request(method, "/")
        let response = try #require(client.response())
        #expect(response.status == 405 && response.headers["allow"] == "GET, HEAD, POST")
    }

    @Test("A client that sends a byte now and then", arguments: ["", "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"])
    func slowClient(_ first: String) throws {
        let running = try RunningServer {
            $0.arrivalSeconds = 0.5
            $0.idleSeconds = 2
        }
        let client = try #require(running.client())
        client.send(first)
        if !first.isEmpty { #expect(client.response()?.status == 200) }
        let end = Deadline(seconds: 20)
        for byte in Array("GET / HTTP/1.1\r\nHost: localhost\r\n".utf8) + Array(repeating: 0x78, count: 1000) {
            // Readable means closed: nothing was asked for.
            guard client.send([byte]), !end.isOver, Poll.wait(for: client.descriptor, seconds: 0.05) == .timeout else {
                break
            }
        }
        #expect(!end.isOver)
        #expect(running.reaches { $0.connections == 0 })
        #expect(running.server.counters.requests == (first.isEmpty ? 0 : 1))
    }

    @Test("A connection on which nothing happens")
    func idle() throws {
        let running = try RunningServer { $0.idleSeconds = 1 }
        let client = try #require(running.client())
        client.request("GET", "/")
        #expect(client.response()?.status == 200)
        #expect(client.isClosed())
    }

    @Test("A reader that does not take its answer")
    func slowReader() throws {
        let running = try RunningServer {
            $0.answerSeconds = 0.5
        } _: { _ in
            HTTPAnswer(type: "text/plain", .bytes([UInt8](repeating: 0x78, count: 8_000_000)))
        }
        let client = try #require(running.client(receiveBuffer: 4096))
        client.request("GET", "/")
        #expect(running.reaches { $0.requests == 1 })
        #expect(running.reaches { $0.connections == 0 })
    }

    @Test(
        "A client that goes before its request is whole leaves no place taken",
        arguments: [
            "", "GET /x HTTP/1.1\r\nHost: local", "POST /x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\nabc",
        ])
    func abandoned(_ part: String) throws {
        let running = try RunningServer { $0.connections = 20 }
        var idle = (0..<20).compactMap { _ in running.client() }
        #expect(running.reaches { $0.connections == 20 })
        // These wait in the system's queue: their last bytes and their end come together.
        for _ in 0..<100 { running.client()?.send(part) }
        let late = try #require(running.client())
        late.request("GET", "/late")
        idle = []
        #expect(late.response()?.status == 200)
        #expect(running.reaches { $0.connections == 1 } && idle.isEmpty)
    }

    @Test("A client that only ends its own side gets its answer")
    func halfClosed() throws {
        let running = try RunningServer()
        let client = try #require(running.client())
        client.request("GET", "/x")
        shutdown(client.descriptor, Int32(SHUT_WR))
        #expect(client.response()?.status == 200)
        #expect(running.reaches { $0.connections == 0 })
    }

    @Test("More connections than allowed wait, and are answered in the end")
    func manyConnections() throws {
        let running = try RunningServer {
            $0.connections = 20
            $0.arrivalSeconds = 1
        }
        let idle = (0..<20).compactMap { _ in running.client() }
        #expect(running.reaches { $0.connections == 20 })
        let clients = (0..<180).compactMap { _ in
            let client = running.client()
            client?.request("GET", "/x", ["Connection: close"])
            return client
        }
        #expect(idle.count + clients.count == 200)
        for client in clients {
            #expect(running.server.counters.connections <= 20)
            #expect(client.response()?.status == 200)
        }
    }

    @Test("More connections of one address than allowed")
    func oneAddress() throws {
        let running = try RunningServer {
            $0.connectionsPerAddress = 3
            $0.limitsLoopback = true
        }
        let kept = (0..<3).compactMap { _ in running.client() }
        #expect(running.reaches { $0.connections == 3 })
        let client = try #require(running.client())
        #expect(client.isClosed())
        #expect(running.server.counters.refused == 1)
        kept.first?.request("GET", "/", ["Connection: close"])
        #expect(kept.first?.isClosed() == true)
        #expect(running.reaches { $0.connections == 2 })
        #expect(running.get("/")?.status == 200)
        // An optimised build would let go of them, and so close them, after their last use.
        withExtendedLifetime(kept) {}
    }
}
