import Glibc
import LinuxIO
import Synchronization
import TestSupport

/// A broker with scripted answers, for answers that mosquitto gives only in rare situations.
final class ScriptedBroker: Sendable {
    /// The answers of the broker.
    struct Script: Sendable {
        /// Reason codes of the answers to CONNECT, in order; the last one is repeated.
        var connack: [UInt8] = [0]
        /// Reason code of the answer to each SUBSCRIBE.
        var suback: UInt8 = 0
        /// Reason code of the answer to each PUBLISH with quality 1.
        var puback: UInt8 = 0
        /// Reason code with which the broker ends an accepted connection; `nil`: it does not end it.
        var disconnect: UInt8?
    }

    let port: Int
    private let listener: Int32
    private let script: Script
    private let isStopped = Atomic<Bool>(false)
    private let flags = Lock<[UInt8]>([])

    init(_ script: Script) {
        (listener, port) = FreePort.listener()
        self.script = script
        // The loop blocks, so it has a thread of its own: a task would starve the pool on which the tests run.
        _ = OwnThread.start("broker") { [self] in serve() }
    }

    /// The flags of each CONNECT so far: user, password, will and its form.
    var connectFlags: [UInt8] { flags.withLock { $0 } }

    func stop() {
        isStopped.store(true, ordering: .relaxed)
        shutdown(listener, Int32(SHUT_RDWR))
    }

    private func serve() {
        var clients: [Int32: [UInt8]] = [:]
        while !isStopped.load(ordering: .relaxed) {
            var entries = ([listener] + clients.keys.sorted()).map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
            guard poll(&entries, nfds_t(entries.count), 100) > 0 else { continue }
            for entry in entries where entry.revents != 0 {
                if entry.fd == listener {
                    let client = accept(listener, nil, nil)
                    if client >= 0 { clients[client] = [] }
                    continue
                }
                var buffer = [UInt8](repeating: 0, count: 65_536)
                let count = read(entry.fd, &buffer, buffer.count)
                var bytes = clients[entry.fd, default: []] + buffer.prefix(max(0, count))
                var isOpen = count > 0
                while isOpen, let (kind, body) = Self.takePacket(&bytes) { isOpen = answer(entry.fd, kind, body) }
                clients[entry.fd] = bytes
                if !isOpen {
                    close(entry.fd)
                    clients[entry.fd] = nil
                }
            }
        }
        for client in Array(clients.keys) + [listener] { close(client) }
    }

    /// Answers a packet.
    ///
    /// - Returns: `true` if the connection stays.
    private func answer(_ client: Int32, _ kind: UInt8, _ body: [UInt8]) -> Bool {
        switch kind >> 4 {
        case 1:
            let number = flags.withLock { flags in
                flags.append(body[7])
                return flags.count
            }
            let reason = script.connack[min(number, script.connack.count) - 1]
            send(client, [0x20, 3, 0, reason, 0])
            if reason == 0, let disconnect = script.disconnect { send(client, [0xE0, 2, disconnect, 0]) }
            return reason == 0 && script.disconnect == nil
        case 3 where kind & 6 == 2:
            let topic = Int(body[0]) << 8 | Int(body[1])
            send(client, [0x40, 4, body[topic + 2], body[topic + 3], script.puback, 0])
        case 8: send(client, [0x90, 4, body[0], body[1], 0, script.suback])
        case 12: send(client, [0xD0, 0])
        case 14: return false
        default: break
        }
        return true
    }

    private func send(_ client: Int32, _ bytes: [UInt8]) { _ = write(client, bytes, bytes.count) }

    /// First byte and body of the next packet; `nil`: the packet is not complete yet.
    private static func takePacket(_ bytes: inout [UInt8]) -> (UInt8, [UInt8])? {
        var (length, shift, start) = (0, 0, 1)
        repeat {
            guard start < bytes.count, shift < 28 else { return nil }
            length |= Int(bytes[start] & 0x7F) << shift
            shift += 7
            start += 1
        } while bytes[start - 1] & 0x80 != 0
        guard bytes.count >= start + length else { return nil }
        defer { bytes.removeFirst(start + length) }
        return (bytes[0], Array(bytes[start..<start + length]))
    }
}
