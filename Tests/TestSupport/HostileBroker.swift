import Glibc
import LinuxIO
import Synchronization

/// A broker that sends given bytes to the first clients that connect, and serves later ones normally.
public final class HostileBroker: Sendable {
    /// Port on which the broker listens.
    public let port: Int
    private let listener: Int32
    private let packet: HostilePacket
    /// Number of connections that get the packet.
    private let times: Int
    private let isStopped = Atomic<Bool>(false)
    private let published = Atomic<Int>(0)
    private let sent = Atomic<Int>(0)

    /// A broker that listens.
    public init(_ packet: HostilePacket, times: Int = 1) {
        (listener, port) = FreePort.listener()
        self.packet = packet
        self.times = times
        _ = OwnThread.start("hostile-broker") { [self] in serve() }
    }

    /// Ends the broker; its thread ends a moment later.
    public func stop() { isStopped.store(true, ordering: .relaxed) }

    /// Number of clients that got the packet.
    public var victims: Int { sent.load(ordering: .relaxed) }

    /// Waits until a normally served client has published something.
    public func hasServed(seconds: Double) -> Bool {
        let end = Deadline(seconds: seconds)
        while !end.isOver {
            if published.load(ordering: .relaxed) > 0 { return true }
            var entry = pollfd(fd: -1, events: 0, revents: 0)
            poll(&entry, 1, 10)
        }
        return false
    }

    private func serve() {
        defer { close(listener) }
        while !isStopped.load(ordering: .relaxed) {
            guard Self.isReadable(listener, milliseconds: 100) else { continue }
            let client = accept(listener, nil, nil)
            guard client >= 0 else { return }
            defer { close(client) }
            // A probe sends nothing; a client on a busy machine takes its time.
            let first = Self.read(client, milliseconds: 10_000)
            guard first.count > 8, first[0] == 0x10 else { continue }
            // The version follows "MQTT" with its length.
            let accepted: [UInt8] = first[8] == 5 ? [0x20, 3, 0, 0, 0] : [0x20, 2, 0, 0]
            if sent.load(ordering: .relaxed) < times {
                sent.add(1, ordering: .relaxed)
                Self.write(client, (packet.isAnswer ? [] : accepted) + packet.bytes)
                // The connection lasts until the client leaves, which it does not after a harmless packet.
                let end = Deadline(seconds: 0.5)
                while !end.isOver, !Self.read(client, milliseconds: 100, orEnd: true).isEmpty {}
            } else {
                Self.write(client, accepted)
                treatWell(client)
            }
        }
    }

    private func treatWell(_ client: Int32) {
        var stream: [UInt8] = []
        while !isStopped.load(ordering: .relaxed) {
            guard Self.isReadable(client, milliseconds: 100) else { continue }
            let bytes = Self.read(client, milliseconds: 0)
            guard !bytes.isEmpty else { return }
            stream += bytes
            while let size = Self.packetSize(stream), stream.count >= size {
                if stream[0] & 0xF0 == 0x30 { published.add(1, ordering: .relaxed) }
                stream.removeFirst(size)
            }
        }
    }

    /// Size of the packet that begins a stream; `nil`: its length is not complete.
    private static func packetSize(_ stream: [UInt8]) -> Int? {
        var (size, factor) = (0, 1)
        for (index, byte) in stream.dropFirst().prefix(4).enumerated() {
            size += Int(byte & 127) * factor
            factor *= 128
            if byte < 128 { return 2 + index + size }
        }
        return nil
    }

    private static func isReadable(_ descriptor: Int32, milliseconds: Int32) -> Bool {
        var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        return poll(&entry, 1, milliseconds) > 0
    }

    /// Reads bytes of a connection.
    ///
    /// - Parameter orEnd: a wait in vain is not the end, and gives a byte without meaning.
    private static func read(_ descriptor: Int32, milliseconds: Int32, orEnd: Bool = false) -> [UInt8] {
        guard isReadable(descriptor, milliseconds: milliseconds) else { return orEnd ? [0] : [] }
        var buffer = [UInt8](repeating: 0, count: 65_536)
        let count = Glibc.read(descriptor, &buffer, buffer.count)
        return Array(buffer.prefix(max(0, count)))
    }

    private static func write(_ descriptor: Int32, _ bytes: [UInt8]) {
        // A client that has left must not cause a signal.
        _ = send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL))
    }
}
