import Glibc
import HTTPServer
import JSON
import LinuxIO
import TestSupport
import TestThreads
import Testing

@Suite("The web server answers", .waits, .timeLimit(.minutes(10)))
struct HTTPServerTests {
    @Test("GET, HEAD and POST, on one connection")
    func methods() throws {
        let running = try RunningServer()
        let client = try #require(running.client())
        client.request("GET", "/api/batteries/garage?b=2&a=1%2B1&c=x+y&d")
        let got = try #require(client.response())
        #expect(got.status == 200)
        #expect(got.text == "GET api/batteries/garage [a=1+1,b=2,c=x y,d=] ")
        #expect(got.headers["content-type"] == "text/plain; charset=utf-8")
        client.request("HEAD", "/")
        let head = try #require(client.response(isHead: true))
        #expect(head.status == 200 && head.headers["content-length"] == "\("GET  [] ".utf8.count)")
        client.request("POST", "/api/login", body: #"{"password":"x"}"#)
        #expect(client.response()?.text == #"POST api/login [] {"password":"x"}"#)
        #expect(running.server.counters.requests == 3 && running.server.counters.refused == 0)
    }

    @Test("Every answer has the headers that keep other sites out")
    func headers() throws {
        let running = try RunningServer()
        for (target, status) in [("/", 200), ("/%00", 400)] {
            let response = try #require(running.get(target))
            #expect(response.status == status)
            #expect(
                response.headers["content-security-policy"]
                    == "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'")
            #expect(response.headers["x-content-type-options"] == "nosniff")
            #expect(response.headers["referrer-policy"] == "no-referrer")
            #expect(response.headers["cache-control"] == "no-store")
        }
    }

    @Test("Requests that are sent at once are answered in their order")
    func pipelining() throws {
        let running = try RunningServer()
        let client = try #require(running.client())
        client.send((0..<20).map { "GET /\($0) HTTP/1.1\r\nHost: localhost\r\n\r\n" }.joined())
        for number in 0..<20 { #expect(client.response()?.text == "GET \(number) [] ") }
    }

    @Test("A body in chunks arrives, and one that is too long is refused at its end")
    func chunks() throws {
        let running = try RunningServer {
            $0.bodyLength = 100
            $0.arrivalSeconds = 3600
        }
        let client = try #require(running.client())
        client.request("POST", "/x", ["Transfer-Encoding: chunked"])
        client.send("3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")
        #expect(client.response()?.text == "POST x [] abcde")
        client.request("POST", "/x", ["Transfer-Encoding: chunked"])
        let chunk = "50\r\n\(String(repeating: "x", count: 80))\r\n"
        client.send(chunk + chunk + "0\r\n\r\n")
        #expect(client.response()?.status == 413)
        #expect(client.isClosed())
        // One without an end is cut off.
        let endless = try #require(running.client())
        endless.request("POST", "/x", ["Transfer-Encoding: chunked"])
        let end = Deadline()
        while endless.send(chunk), !end.isOver {}
        #expect(!end.isOver)
    }

    @Test("A file is sent as it is, and a missing one is an error")
    func files() throws {
        let folder = TemporaryFolder()
        let text = String(repeating: "0123456789", count: 30_000)
        let path = folder.write(text, "page.js")
        let running = try RunningServer { _ in
        } _: { request in
            .file(request.path == "there" ? path : folder.path, type: "text/javascript", cache: "max-age=60")
        }
        let there = try #require(running.get("/there"))
        #expect(there.text == text && there.headers["cache-control"] == "max-age=60")
        let client = try #require(running.client())
        client.request("HEAD", "/there")
        #expect(client.response(isHead: true)?.headers["content-length"] == "300000")
        let missing = try #require(running.get("/folder"))
        #expect(missing.status == 404 && JSONValue(parsing: missing.body)?["error"]?.text != nil)
    }

    @Test("An answer may be given later, and has a substitute when it is not")
    func later() throws {
        let given = Lock<LaterAnswer?>(nil)
        let running = try RunningServer { _ in
        } _: { request in
            let later = LaterAnswer(within: request.path == "never" ? 0.2 : 60, otherwise: .error(504, "no answer"))
            if request.path == "soon" { given.withLock { $0 = later } }
            return .later(later)
        }
        let client = try #require(running.client())
        client.request("POST", "/soon", body: "x")
        #expect(running.reaches { $0.requests == 1 })
        // Others are answered meanwhile.
        #expect(running.get("/never")?.status == 504)
        given.withLock { $0 }?.give(.json(Array("{}".utf8)))
        #expect(client.response()?.text == "{}")
        client.request("GET", "/never")
        #expect(client.response()?.status == 504)
        // The end does not wait for what is owed.
        client.request("GET", "/other")
        #expect(running.reaches { $0.requests == 4 })
        #expect(running.server.stop(seconds: 20))
        #expect(client.response()?.status == 503)
    }

    @Test("Headers of an answer are sent; one with a line end sends nothing")
    func answerHeaders() throws {
        let running = try RunningServer { _ in
        } _: { request in
            var answer = HTTPAnswer.empty(204)
            answer.headers["Set-Cookie"] = request.path.isEmpty ? "a=b; HttpOnly" : "a\r\nX: y"
            return answer
        }
        let response = try #require(running.get("/"))
        #expect(response.status == 204 && response.headers["set-cookie"] == "a=b; HttpOnly")
        #expect(running.get("/bad") == nil)
    }

    @Test("A port that is taken, a wrong address and a wrong port give a sentence")
    func faults() throws {
        let (descriptor, port) = FreePort.listener()
        defer { close(descriptor) }
        func fault(_ change: (inout HTTPOptions) -> Void) -> String {
            do throws(any Error) {
                _ = try RunningServer(change)
                return "none"
            } catch {
                return "\(error)"
            }
        }
        #expect(fault { $0.port = port }.hasPrefix("port \(port) of 127.0.0.1 is taken: "))
        #expect(fault { $0.address = "garage" }.hasPrefix("'garage' is no address to listen on: "))
        #expect(fault { $0.address = "192.0.2.1" }.hasPrefix("192.0.2.1 is no address of this machine: "))
        #expect(fault { $0.port = 70_000 }.hasPrefix("70000 is no port: "))
    }

    @Test("It stops with connections and half a request open, and its port is free then")
    func stopping() throws {
        let running = try RunningServer()
        let port = running.server.port
        let clients = (0..<10).compactMap { _ in running.client() }
        for client in clients { client.send("GET / HTTP/1.1\r\nHo") }
        #expect(running.reaches { $0.connections == 10 })
        #expect(running.server.stop(seconds: 20))
        for client in clients { #expect(client.isClosed()) }
        #expect(!FreePort.isListening(port))
        _ = try RunningServer { $0.port = port }
        #expect(running.server.stop(seconds: 20))
    }
}
