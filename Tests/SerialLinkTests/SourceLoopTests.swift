import TestSupport
import TestThreads
import Testing

@testable import SerialLink

@Suite("Many sources", .waits, .timeLimit(.minutes(10)))
struct SourceLoopTests {
    private struct News: Sendable {
        var source: Int
        var event: SourceEvent
    }

    private static func loop(_ addresses: [SourceAddress]) -> (SourceLoop, AsyncStream<News>) {
        var options = ByteSource.Options()
        options.delay = { _ in 0.02 }
        let (news, continuation) = AsyncStream.makeStream(of: News.self)
        let loop = SourceLoop(addresses, options: options, ended: { continuation.finish() }) { source, event in
            continuation.yield(News(source: source, event: event))
            return true
        }
        return (loop, news)
    }

    @Test("forty sources are kept apart, and an absent one does not delay the others")
    func many() async {
        let ptys = (0..<40).map { _ in PtyPair() }
        let (loop, news) = Self.loop([.serial(path: "/nonexistent/tty")] + ptys.map { .serial(path: $0.path) })
        loop.start()
        var bytes: [Int: [UInt8]] = [:]
        for await item in news {
            switch item.event {
            case .opened: ptys[item.source - 1].write([UInt8(item.source)])
            case .bytes(let chunk, _): bytes[item.source, default: []] += chunk
            case .closed: #expect(item.source == 0)
            case .complaint, .dropped, .ended: break
            }
            if bytes.count == ptys.count { loop.stop() }
        }
        for source in 1...ptys.count { #expect(bytes[source] == [UInt8(source)]) }
        #expect(loop.waitForEnd(seconds: 10))
    }

    @Test("a source that is pulled comes back while another is read")
    func pulled() async {
        let (steady, pulled) = (PtyPair(), PtyPair())
        let (loop, news) = Self.loop([.serial(path: steady.path), .serial(path: pulled.path)])
        loop.start()
        var hasClosed = false
        for await item in news {
            switch (item.source, item.event) {
            case (1, .opened): pulled.hangUp()
            case (1, .closed) where !hasClosed:
                hasClosed = true
                steady.write([7])
            case (0, .bytes(let bytes, _)):
                #expect(bytes == [7])
                loop.stop()
            default: break
            }
        }
        #expect(hasClosed)
    }

    @Test("simulators are left out, and a loop over nothing ends")
    func nothing() async {
        let (loop, news) = Self.loop([.simulator(scenario: "day")])
        loop.start()
        for await item in news { Issue.record("\(item)") }
        #expect(loop.waitForEnd(seconds: 1))
    }
}
