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
        /// Properties of an answer that accepts CONNECT, MQTT 5.
        var properties: [UInt8] = []
        /// MQTT 3.1.1 is accepted, whatever is said in MQTT 5.
        var acceptsOld = false
        /// A CONNECT in MQTT 5 gets no answer at all.
        var isSilentIn5 = false
        /// Seconds before the answer to CONNECT.
        var thinks = 0.0
        /// Bytes that follow an accepted CONNECT.
        var greeting: [UInt8] = []
        /// Reason code of the answer to each SUBSCRIBE.
        var suback: UInt8 = 0
        /// Reason code of the answer to each PUBLISH with quality 1.
        var puback: UInt8 = 0
        /// A PUBLISH with quality 1 is answered.
        var acknowledges = true
        /// Largest body of a packet, in bytes; a larger one ends the connection without a word, as in MQTT 3.1.1.
        var largestBody = Int.max
        /// Reason code with which the broker ends an accepted connection; `nil`: it does not end it.
        var disconnect: UInt8?
    }

    let port: Int
    private let listener: Int32
    private let script: Script
    private let isStopped = Atomic<Bool>(false)
    private let flags = Journal<UInt8>()
    private let pings = Atomic<Int>(0)
    private let papers = Journal<(topic: String, payload: [UInt8])>()
    /// Versions of the CONNECTs so far.
    private let levels = Journal<UInt8>()

    init(_ script: Script) {
        (listener, port) = FreePort.listener()
        self.script = script
        // The loop blocks, so it has a thread of its own: a task would starve the pool on which the tests run.
        _ = OwnThread.start("broker") { [self] in serve() }
    }

    /// The flags of each CONNECT so far: user, password, will and its form.
    var connectFlags: [UInt8] { flags.all }

    /// Versions of MQTT in the CONNECTs so far: 4 or 5.
    var versions: [UInt8] { levels.all }

    /// Number of pings so far.
    var pingCount: Int { pings.load(ordering: .relaxed) }

    /// Topics and payloads of the messages so far.
    var published: [(topic: String, payload: [UInt8])] { papers.all }

    /// Waits until something is so; `false` after minutes in vain.
    func wait(until condition: () -> Bool) -> Bool {
        let end = Deadline()
        while !end.isOver {
            if condition() { return true }
            var entry = pollfd(fd: -1, events: 0, revents: 0)
            poll(&entry, 1, 10)
        }
        return false
    }

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
        let isOld = levels.all.last == 4
        guard body.count <= script.largestBody else { return false }
        switch kind >> 4 {
        case 1:
            let number = flags.add(body[7])
            let isOld = body[6] < 5
            levels.add(body[6])
            if isOld, script.acceptsOld {
                send(client, [0x20, 2, 0, 0])
                return true
            }
            if !isOld, script.isSilentIn5 { return true }
            if script.thinks > 0 { _ = Poll.wait(for: -1, seconds: script.thinks) }
            let reason = script.connack[min(number, script.connack.count) - 1]
            let properties = reason == 0 ? script.properties : []
            let count = UInt8(properties.count)
            send(client, [0x20, 3 + count, 0, reason, count] + properties + (reason == 0 ? script.greeting : []))
            if reason == 0, let disconnect = script.disconnect { send(client, [0xE0, 2, disconnect, 0]) }
            return reason == 0 && script.disconnect == nil
        case 3 where kind & 6 == 0:
            note(body, identifier: 0)
        case 3 where kind & 6 == 2:
            let topic = Int(body[0]) << 8 | Int(body[1])
            note(body, identifier: 2)
            let identifier = [body[topic + 2], body[topic + 3]]
            guard script.acknowledges else { break }
            send(client, isOld ? [0x40, 2] + identifier : [0x40, 4] + identifier + [script.puback, 0])
        case 8:
            let identifier = [body[0], body[1]]
            send(
                client,
                isOld ? [0x90, 3] + identifier + [script.suback] : [0x90, 4] + identifier + [0, script.suback])
        case 12:
            pings.add(1, ordering: .relaxed)
            send(client, [0xD0, 0])
        case 14: return false
        default: break
        }
        return true
    }

    /// Keeps topic and payload of a PUBLISH in MQTT 5 whose properties take less than 128 bytes.
    private func note(_ body: [UInt8], identifier: Int) {
        let end = 2 + (Int(body[0]) << 8 | Int(body[1]))
        let start = end + identifier
        guard start < body.count else { return }
        let topic = String(decoding: body[2..<end], as: UTF8.self)
        let payload = Array(body.dropFirst(start + 1 + Int(body[start])))
        papers.add((topic, payload))
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
