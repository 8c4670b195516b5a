import Glibc
import LinuxIO
import TestSupport
import TestThreads
import Testing

@testable import HTTPServer

@Suite("What a client can take of the machine", .waits, .timeLimit(.minutes(10)))
struct HTTPResourceTests {
    /// A request whose bytes fill the library's buffer, so that no more can be read and nothing can be answered.
    private static func full(_ kind: String) -> String {
        let head = "POST /x HTTP/1.1\r\nHost: localhost\r\n"
        guard kind == "chunk" else {
            let fill = head + "Content-Length: 5\r\nX: "
            return fill + String(repeating: "a", count: 16_192 - fill.utf8.count - 4) + "\r\n\r\n"
        }
        return head + "Transfer-Encoding: chunked\r\n\r\n1;" + String(repeating: "a", count: 40_000)
    }

    @Test("A request that is stuck takes few turns of the thread", arguments: ["chunk", "head"])
    func stuck(kind: String) throws {
        let running = try RunningServer()
        let client = try #require(running.client())
        client.send(Self.full(kind))
        #expect(running.reaches { $0.connections == 1 })
        // What comes later than the head finds no room. Where it comes together with it, the request is refused.
        _ = running.reaches(seconds: 0.3) { _ in false }
        client.send("12345")
        let (turns, begin) = (running.server.counters.turns, MonotonicTime.seconds())
        // A turn of a millisecond or more each would be a hundred times as slow as the loop is.
        _ = running.reaches(seconds: 1) { _ in false }
        let count = running.server.counters.turns - turns
        let most = 100 + 2 * (MonotonicTime.seconds() - begin) / TurnPace.rest
        #expect(Double(count) < most, "\(count) turns")
        // Others are answered meanwhile, without a wait for the rest to end.
        for _ in 0..<20 { #expect(running.get("/y")?.status == 200) }
        withExtendedLifetime(client) {}
    }

    @Test("The pace of the thread slows down in turns in which nothing happens, and in no others")
    func pace() {
        var pace = TurnPace()
        let first = (0..<TurnPace.mostIdle).map { _ in pace.wait(0) }
        #expect(first == Array(repeating: 0, count: TurnPace.mostIdle))
        let rests = (0..<3).map { _ in pace.wait(0) }
        #expect(rests == [TurnPace.rest, TurnPace.rest, TurnPace.rest])
        pace.hasMoved = true
        let moved = [pace.wait(0), pace.wait(0)]
        #expect(moved == [0, 0], "something happened")
        for _ in 0..<100 { _ = pace.wait(0) }
        let others = [pace.wait(nil), pace.wait(7), pace.wait(0)]
        #expect(others == [nil, 7, 0], "the library can wait by itself")
        let busy = (0..<1_000).map { _ in
            pace.hasMoved = true
            return pace.wait(0)
        }
        #expect(busy.allSatisfy { $0 == 0 })
    }

    /// Bytes that the system keeps for the other end of each connection to a port of this process. Other tests may hold a thousand descriptors.
    private static func buffers(port: Int) -> [Int32] {
        (Int32(3)..<32_768).compactMap { descriptor in
            var (address, length) = (sockaddr_in(), socklen_t(MemoryLayout<sockaddr_in>.size))
            let isOurs = withUnsafeMutablePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { own in
                    getsockname(descriptor, own, &length) == 0
                        && UInt16(bigEndian: pointer.pointee.sin_port) == port
                        && getpeername(descriptor, own, &length) == 0
                }
            }
            guard isOurs else { return nil }
            var (bytes, size) = (Int32(0), socklen_t(MemoryLayout<Int32>.size))
            getsockopt(descriptor, SOL_SOCKET, SO_SNDBUF, &bytes, &size)
            return bytes
        }
    }

    @Test("The system keeps little for a client that does not read its answer")
    func unread() throws {
        let running = try RunningServer { _ in
        } _: { _ in
            HTTPAnswer(type: "text/plain", .bytes([UInt8](repeating: 0x78, count: 8_000_000)))
        }
        let client = try #require(running.client(receiveBuffer: 4_096))
        client.request("GET", "/", ["Connection: close"])
        #expect(running.reaches { $0.requests == 1 })
        let buffers = Self.buffers(port: running.server.port)
        #expect(buffers.count == 1 && buffers.allSatisfy { $0 <= 131_072 }, "\(buffers)")
        withExtendedLifetime(client) {}
    }

    @Test("Answers that nobody takes have a bound together, and small ones are given all the same")
    func answersUnderWay() throws {
        let running = try RunningServer {
            $0.answerBytes = 20_000_000
        } _: { request in
            HTTPAnswer(
                type: "text/plain", .bytes([UInt8](repeating: 0x78, count: request.path == "large" ? 8_000_000 : 10)))
        }
        var clients = (0..<2).compactMap { _ in running.client(receiveBuffer: 4_096) }
        for client in clients {
            client.request("GET", "/large")
            #expect(client.response(isHead: true)?.status == 200)
        }
        #expect(running.get("/large")?.status == 503)
        #expect(running.get("/small")?.status == 200)
        clients.removeLast()
        #expect(running.reaches { $0.connections == 1 })
        let next = try #require(running.client(receiveBuffer: 4_096))
        next.request("GET", "/large")
        #expect(next.response(isHead: true)?.status == 200)
        withExtendedLifetime(clients) {}
    }

    @Test("A reader of events has an even smaller part")
    func unreadEvents() throws {
        let running = try RunningServer { _ in
        } _: { _ in
            .events(tag: "x") { [] }
        }
        let client = try #require(running.client())
        client.request("GET", "/")
        #expect(client.read(until: "\r\n\r\n") != nil)
        let buffers = Self.buffers(port: running.server.port)
        #expect(buffers.count == 1 && buffers.allSatisfy { $0 <= 65_536 }, "\(buffers)")
    }

    private static func peer(_ text: String) -> PeerAddress {
        var address = sockaddr_in6()
        address.sin6_family = sa_family_t(AF_INET6)
        inet_pton(AF_INET6, text, &address.sin6_addr)
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { PeerAddress($0) }
        }
    }

    @Test("Answers that one network does not take have a bound of their own")
    func answersOfNetwork() throws {
        let running = try RunningServer {
            $0.limitsLoopback = true
            $0.answerBytesPerNetwork = 12_000_000
        } _: { _ in
            HTTPAnswer(type: "text/plain", .bytes([UInt8](repeating: 0x78, count: 8_000_000)))
        }
        let client = try #require(running.client(receiveBuffer: 4_096))
        client.request("GET", "/")
        #expect(client.response(isHead: true)?.status == 200)
        #expect(running.get("/")?.status == 503)
        withExtendedLifetime(client) {}
    }

    @Test("Streams of one network have a bound of their own")
    func streamsOfNetwork() throws {
        let running = try RunningServer {
            $0.limitsLoopback = true
            $0.streamsPerNetwork = 2
        } _: { _ in
            .events(tag: "x") { [] }
        }
        let clients = (0..<2).compactMap { _ in running.client() }
        for client in clients {
            client.request("GET", "/")
            #expect(client.response(isHead: true)?.status == 200)
        }
        #expect(running.get("/")?.status == 503)
        withExtendedLifetime(clients) {}
    }

    @Test("A machine takes its own part of the connections, and a home of IPv6 less than half of them")
    func places() {
        let options = HTTPOptions()
        let one = Self.peer("2001:db8::1"), neighbour = Self.peer("2001:db8::2")
        let others = Array(repeating: one, count: 15)
        #expect(one.hasPlace(beside: others, options))
        #expect(!one.hasPlace(beside: others + [one], options))
        #expect(neighbour.hasPlace(beside: others + [one], options), "the neighbour has done nothing")
        let home = (0..<20).map { Self.peer("2001:db8::1:\($0 % 10)") }
        #expect(!neighbour.hasPlace(beside: home, options), "one machine can have all these addresses")
        #expect(Self.peer("2001:db8:1::2").hasPlace(beside: home, options))
        let four = Self.peer("::ffff:192.0.2.1")
        #expect(four.text == "192.0.2.1" && four.hasPlace(beside: home + others, options))
        #expect(!four.hasPlace(beside: Array(repeating: four, count: 16), options))
        let local = Self.peer("::1")
        #expect(local.hasPlace(beside: Array(repeating: local, count: 60), options))
    }

    @Test("A machine with every kind of address leaves connections and streams to others, and to its own machine")
    func allKinds() {
        let options = HTTPOptions()
        var (connections, streams): ([PeerAddress], [PeerAddress]) = ([], [])
        for number in 0..<64 {
            for address in [
                "fe80::\(number)", "fd00::\(number)", "2001:db8::\(number)", "::ffff:192.0.2.1",
            ] {
                let peer = Self.peer(address)
                if peer.hasPlace(beside: connections, options) { connections.append(peer) }
                if peer.mayStream(beside: streams, options) { streams.append(peer) }
            }
        }
        #expect(connections.count == 56 && streams.count == 27)
        let other = Self.peer("::ffff:192.0.2.2")
        #expect(other.hasPlace(beside: connections, options) && other.mayStream(beside: streams, options))
        for number in 0..<64 {
            let peer = Self.peer("2001:db8:\(number + 1)::1")
            if peer.hasPlace(beside: connections, options) { connections.append(peer) }
            if peer.mayStream(beside: streams, options) { streams.append(peer) }
        }
        #expect(connections.count == 58 && streams.count == 30, "some are kept for this machine")
        let local = Self.peer("::1")
        #expect(local.hasPlace(beside: connections, options) && local.mayStream(beside: streams, options))
    }
}
