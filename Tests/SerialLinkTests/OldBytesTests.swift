import Glibc
import LinuxIO
import Synchronization
import TestSupport
import TestThreads
import Testing

@testable import SerialLink

/// Delays of the reading thread: by a frozen process, a suspended machine, or its own slow consumer.
@Suite("Bytes that waited", .waits, .timeLimit(.minutes(10)))
struct OldBytesTests {
    /// A clock that jumps on request.
    private final class JumpingClock: Sendable {
        private let offset = Lock(0.0)

        func jump(_ seconds: Double) { offset.withLock { $0 += seconds } }

        func now() -> Double { MonotonicTime.sinceBoot() + offset.withLock { $0 } }
    }

    private static func send(_ bytes: [UInt8], _ descriptor: Int32) { _ = write(descriptor, bytes, bytes.count) }

    /// A loop over one source whose handler may delay the thread.
    private static func loop(
        _ address: SourceAddress, _ clock: JumpingClock, handler: @escaping @Sendable (SourceEvent) -> Void
    ) -> (SourceLoop, AsyncStream<SourceEvent>) {
        var options = ByteSource.Options()
        options.delay = { _ in 0.02 }
        options.clock = { clock.now() }
        let (news, continuation) = AsyncStream.makeStream(of: SourceEvent.self)
        let loop = SourceLoop([address], options: options, ended: { continuation.finish() }) { _, event in
            handler(event)
            continuation.yield(event)
            return true
        }
        return (loop, news)
    }

    @Test("Bytes that waited in a terminal during a suspend are thrown away, and later bytes are read")
    func suspended() async {
        let pty = PtyPair()
        let (clock, primary) = (JumpingClock(), pty.primary)
        // The handler writes while the thread cannot read, and moves the clock as a suspend does.
        let (loop, news) = Self.loop(.serial(path: pty.path), clock) { event in
            guard case .bytes([1], _) = event else { return }
            Self.send([2, 3, 4], primary)
            clock.jump(60)
        }
        loop.start()
        var seen: [SourceEvent] = []
        for await event in news {
            switch event {
            case .opened: pty.write([1])
            case .dropped(let seconds):
                #expect(seconds >= 59)
                pty.write([5])
            case .bytes(let bytes, _):
                #expect(!bytes.contains { (2...4).contains($0) })
                if bytes.last == 5 { loop.stop() }
            default: break
            }
            seen.append(event)
        }
        #expect(seen.contains { if case .dropped = $0 { true } else { false } })
    }

    @Test("Bytes read after a turn that came two seconds late are at least two seconds old")
    func late() async {
        let pty = PtyPair()
        let (clock, primary) = (JumpingClock(), pty.primary)
        let (loop, news) = Self.loop(.serial(path: pty.path), clock) { event in
            guard case .bytes([1], _) = event else { return }
            Self.send([2], primary)
            clock.jump(2.6)
        }
        loop.start()
        for await event in news {
            switch event {
            case .opened: pty.write([1])
            case .bytes([2], let time):
                let age = clock.now() - time
                #expect(age >= 2)
                loop.stop()
            case .dropped: Issue.record("dropped too early")
            default: break
            }
        }
    }

    @Test("Bytes that are read in time are as old as the read")
    func inTime() async {
        let pty = PtyPair()
        let clock = JumpingClock()
        let (loop, news) = Self.loop(.serial(path: pty.path), clock) { _ in }
        loop.start()
        let begin = clock.now()
        for await event in news {
            switch event {
            case .opened: pty.write([1])
            case .bytes(_, let time):
                #expect(time >= begin)
                loop.stop()
            default: break
            }
        }
    }

    @Test("Bytes that waited in a socket are thrown away, too")
    func socket() async throws {
        let (listener, port) = FreePort.listener()
        defer { close(listener) }
        let peer = Lock<Int32>(-1)
        let clock = JumpingClock()
        let (loop, news) = Self.loop(.tcp(host: "127.0.0.1", port: port), clock) { event in
            guard case .bytes([1], _) = event else { return }
            Self.send([2, 3, 4], peer.withLock { $0 })
            clock.jump(60)
        }
        loop.start()
        defer { close(peer.withLock { $0 }) }
        for await event in news {
            switch event {
            case .opened:
                peer.withLock { $0 = accept(listener, nil, nil) }
                Self.send([1], peer.withLock { $0 })
            case .dropped: Self.send([5], peer.withLock { $0 })
            case .bytes(let bytes, _):
                #expect(!bytes.contains { (2...4).contains($0) })
                if bytes.last == 5 { loop.stop() }
            default: break
            }
        }
    }
}
