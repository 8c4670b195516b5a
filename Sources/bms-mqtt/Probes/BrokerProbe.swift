import BMSCore
import CLinux
import Glibc
import LinuxIO
import MQTT
import MQTTBridge
import Mosquitto
import ServiceIO

/// Findings of a client of a broker, with the bridge's rights, in some seconds.
struct BrokerProbe: Sendable {
    /// Version of MQTT that the broker speaks; `nil`: it was not reached.
    var version: ProtocolVersion?
    /// Loss that an old version brings.
    var note: String?
    /// Reason why there is no connection.
    var failure: LinkFailure?
    /// The newest payloads by topic.
    var messages: [String: String] = [:]
    /// Topics that the broker refused to take or to give.
    var refused: Set<String> = []

    /// Connections that the broker ended in place of an answer.
    private var hangUps = 0

    private static let mostTopics = 4_000
    /// Such ends until MQTT 3.1.1 has had its turn, too: RabbitMQ hangs up on MQTT 5.
    private static let mostHangUps = 2

    /// Connects, subscribes and listens.
    ///
    /// - Parameters:
    ///   - filters: topics to subscribe to.
    ///   - test: a message that tells whether the client may publish; `nil`: none is sent.
    ///   - seconds: longest time for the connection; messages are awaited for a part of it.
    static func look(
        _ link: LinkConfiguration, _ filters: [String], test: MQTTMessage? = nil, seconds: Double, listening: Double
    ) async -> BrokerProbe {
        let shared = Lock(BrokerProbe())
        let client = MosquittoLink(link)
        client.subscribe(filters.map { Subscription($0, qos: 1) })
        client.start()
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                for await event in client.events {
                    if case .connected = event, let test { client.publish(test) }
                    // An answer like "wrong password" does not change by another attempt.
                    if shared.withLock({ $0.take(event) }) { return }
                }
            }
            group.addTask {
                let end = Clock.monotonic() + Int64(seconds * 1000)
                var listened: Timestamp?
                while !Task.isCancelled, Clock.monotonic() < end {
                    if listened == nil, shared.withLock({ $0.version != nil }) { listened = Clock.monotonic() }
                    if let listened, Clock.monotonic() - listened > Int64(listening * 1000) { return }
                    try? await Task.sleep(for: .milliseconds(50))
                }
            }
            await group.next()
            group.cancelAll()
        }
        client.stop()
        return shared.withLock { $0 }
    }

    /// - Returns: `true` where nothing more can be learned.
    mutating func take(_ event: LinkEvent) -> Bool {
        switch event {
        case .connected(let version, let note, _): (self.version, self.note, failure) = (version, note, nil)
        case .disconnected(let failure):
            self.failure = failure
            guard failure.isHangUp else { return true }
            hangUps += 1
            return hangUps >= Self.mostHangUps
        case .message(let message):
            guard messages.count < Self.mostTopics || messages[message.topic] != nil else { break }
            messages[message.topic] = String(decoding: message.payload.prefix(65_536), as: UTF8.self)
        case .refusal(let topic, let isOver, _): if isOver { refused.remove(topic) } else { refused.insert(topic) }
        case .line: break
        }
        return false
    }

    /// IPv4 addresses of this machine in its networks, without the loopback.
    static var ownAddresses: [String] {
        var list: UnsafeMutablePointer<ifaddrs>?
        guard getifaddrs(&list) == 0 else { return [] }
        defer { freeifaddrs(list) }
        var addresses: [String] = []
        var next = list
        while let entry = next {
            next = entry.pointee.ifa_next
            guard entry.pointee.ifa_flags & UInt32(IFF_LOOPBACK) == 0, entry.pointee.ifa_flags & UInt32(IFF_UP) != 0,
                let address = entry.pointee.ifa_addr, address.pointee.sa_family == sa_family_t(AF_INET)
            else { continue }
            let length = socklen_t(MemoryLayout<sockaddr_in>.size)
            if let text = TCPDialer.figures(of: address, length: length) { addresses.append(text) }
        }
        return addresses
    }

    /// The first address of this machine at which the port does not answer, though the broker answers on the loopback; `nil`: all answer.
    static func deafAddress(port: Int) -> String? {
        let stop = EventDescriptor()
        return ownAddresses.first { address in
            switch TCPDialer.dial(host: address, port: port, seconds: 1, stop: stop) {
            case .connected(let descriptor):
                close(descriptor)
                return false
            case .refused, .unknownHost, .stopped: return true
            }
        }
    }

    /// Lines of a file for Debian's mosquitto, which listens on its own machine alone until one names a listener.
    static func listenerFile(port: Int) -> [String] {
        [
            "listener \(port)", "allow_anonymous false", "password_file /etc/mosquitto/passwd",
        ]
    }
}
