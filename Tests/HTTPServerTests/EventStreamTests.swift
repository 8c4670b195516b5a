import Glibc
import HTTPServer
import LinuxIO
import TestSupport
import TestThreads
import Testing

@Suite("The web server's event streams", .waits, .timeLimit(.minutes(10)))
struct EventStreamTests {
    /// A server whose streams have the path as their tag.
    private func start(_ change: (inout HTTPOptions) -> Void = { _ in }) throws -> RunningServer {
        try RunningServer(change) { request in
            .events(tag: request.path) { ServerEvent.text("first", Array(request.path.utf8)) }
        }
    }

    private func open(_ running: RunningServer, _ path: String, receiveBuffer: Int32? = nil) throws -> RawClient {
        let client = try #require(running.client(receiveBuffer: receiveBuffer))
        client.request("GET", "/\(path)")
        let head = try #require(client.response())
        #expect(head.status == 200 && head.headers["content-type"] == "text/event-stream")
        #expect(client.read(until: "event: first\ndata: \(path)\n\n") != nil)
        return client
    }

    @Test("Events reach the streams whose tag is meant, in their order")
    func events() throws {
        let running = try start()
        let (one, two) = (try open(running, "one"), try open(running, "two"))
        #expect(running.server.counters.streams == 2)
        for number in 0..<100 {
            running.server.send(event: "rows", data: Array("{\"n\":\(number)}".utf8)) { $0 == "one" || number == 99 }
        }
        var text = ""
        for number in 0..<100 { text += one.read(until: "event: rows\ndata: {\"n\":\(number)}\n\n") ?? "-" }
        #expect(text.contains("{\"n\":57}") && !text.contains("-"))
        #expect(two.read(until: "}\n\n")?.contains("{\"n\":99}") == true)
    }

    @Test("Data of many lines, and a long text")
    func lines() throws {
        let running = try start()
        let client = try open(running, "x")
        running.server.send(event: "a\nb", data: Array("1\r\n2\r3\n4".utf8)) { _ in true }
        #expect(client.read(until: "event: a\ndata: 1\ndata: 2\ndata: 3\ndata: 4\n\n") != nil)
        let long = String(repeating: "0123456789", count: 20_000)
        running.server.send(event: "long", data: Array(long.utf8)) { _ in true }
        running.server.send(event: "mark", data: [0x78]) { _ in true }
        // In the chunks of HTTP: the digits alone are counted.
        let text = try #require(client.read(until: "event: mark\ndata: x\n\n"))
        #expect(text.utf8.count { $0 == UInt8(ascii: "9") } >= 20_000)
    }

    @Test("A silent stream gets a comment")
    func comments() throws {
        let running = try start { $0.commentSeconds = 0.2 }
        let client = try open(running, "x")
        for _ in 0..<3 { #expect(client.read(until: ":\n\n") != nil) }
    }

    @Test("A stream whose reader may not have more ends within seconds, with nobody sending, and is no slow reader")
    func forbidden() throws {
        let mayGoOn = Lock(true)
        let running = try RunningServer {
            $0.commentSeconds = 3600
        } _: { request in
            .events(tag: request.path, mayGoOn: { mayGoOn.withLock { $0 } || request.path == "free" }) {
                ServerEvent.text("first", Array(request.path.utf8))
            }
        }
        let (one, two) = (try open(running, "one"), try open(running, "free"))
        mayGoOn.withLock { $0 = false }
        #expect(one.isClosed())
        #expect(running.reaches { $0.streams == 1 && $0.connections == 1 })
        #expect(running.server.counters.droppedReaders == 0)
        running.server.send(event: "e", data: [0x78]) { _ in true }
        #expect(two.read(until: "event: e\ndata: x\n\n") != nil)
    }

    @Test("A client that closes its connection is noticed at once")
    func departure() throws {
        let running = try start { $0.commentSeconds = 3600 }
        do {
            let leaving = try open(running, "x")
            #expect(running.server.counters.streams == 1)
            _ = leaving
        }
        #expect(running.reaches { $0.streams == 0 && $0.connections == 0 })
        #expect(running.server.counters.droppedReaders == 0)
        // A client that goes on talking is no reader of events.
        let talking = try open(running, "x")
        talking.request("GET", "/x")
        #expect(talking.isClosed())
        #expect(running.reaches { $0.streams == 0 })
    }

    @Test("A reader that does not read is dropped when its queue is full, and others get everything")
    func fullQueue() throws {
        let running = try start {
            $0.streamBytes = 50_000
            ($0.streamSeconds, $0.idleSeconds) = (3600, 3600)
        }
        let slow = try open(running, "x", receiveBuffer: 4096)
        let quick = try open(running, "x")
        let data = [UInt8](repeating: 0x78, count: 10_000)
        let end = Deadline()
        while running.server.counters.droppedReaders == 0, !end.isOver {
            running.server.send(event: "e", data: data) { _ in true }
            #expect(quick.read(until: "x\n\n") != nil)
        }
        #expect(running.reaches { $0.droppedReaders == 1 && $0.streams == 1 && $0.connections == 1 })
        #expect(slow.isClosed())
        running.server.send(event: "e", data: [0x79]) { _ in true }
        #expect(quick.read(until: "y\n\n") != nil)
    }

    @Test("A reader for whom bytes wait too long is dropped")
    func slowReader() throws {
        let running = try start {
            $0.streamSeconds = 0.3
            $0.streamBytes = 10_000_000
        }
        let slow = try open(running, "x", receiveBuffer: 4096)
        running.server.send(event: "e", data: [UInt8](repeating: 0x78, count: 4_000_000)) { _ in true }
        #expect(running.reaches { $0.droppedReaders == 1 && $0.streams == 0 && $0.connections == 0 })
        #expect(slow.isClosed())
    }

    @Test("More streams than allowed are refused, and the end of one makes room")
    func bound() throws {
        let running = try start { $0.streams = 2 }
        let kept = try open(running, "x")
        do {
            _ = try open(running, "x")
        }
        #expect(running.reaches { $0.streams == 1 })
        let second = try open(running, "x")
        #expect(running.get("/x")?.status == 503)
        #expect(running.server.counters.streams == 2)
        _ = (kept, second)
    }

    @Test("The server stops with open streams, which end")
    func stop() throws {
        let running = try start()
        let clients = try (0..<5).map { _ in try open(running, "x") }
        let slow = try open(running, "x", receiveBuffer: 4096)
        running.server.send(event: "e", data: [UInt8](repeating: 0x78, count: 20_000)) { _ in true }
        #expect(running.server.stop(seconds: 20))
        // The last chunk of HTTP: a proper end.
        for client in clients { #expect(client.read(until: "\r\n0\r\n\r\n") != nil) }
        for client in clients + [slow] { #expect(client.isClosed()) }
        #expect(running.server.counters.streams == 0)
        running.server.send(event: "e", data: [0x78]) { _ in true }
    }

    @Test("HEAD opens no stream, and HTTP/1.0 gets one without chunks")
    func otherForms() throws {
        let running = try start()
        let client = try #require(running.client())
        client.request("HEAD", "/x")
        #expect(client.response(isHead: true)?.status == 200)
        #expect(running.server.counters.streams == 0)
        let old = try #require(running.client())
        old.send("GET /x HTTP/1.0\r\nHost: localhost\r\n\r\n")
        #expect(old.read(until: "\r\n\r\nretry: 3000\n\nevent: first\ndata: x\n\n") != nil)
    }

    @Test("Events of many threads, with readers that come and go")
    func threads() throws {
        let running = try start()
        let server = running.server
        let isOver = Lock(false)
        let finished = Lock(0)
        for _ in 0..<4 {
            _ = OwnThread.start("test") {
                while !isOver.withLock({ $0 }) { server.send(event: "e", data: [0x78]) { _ in true } }
                finished.withLock { $0 += 1 }
            }
        }
        for _ in 0..<50 { _ = try #require(running.client()).request("GET", "/x") }
        #expect(running.reaches { $0.requests == 50 && $0.streams == 0 })
        isOver.withLock { $0 = true }
        #expect(running.reaches { _ in finished.withLock { $0 } == 4 })
    }
}
