import Glibc
import LinuxIO
import Mosquitto
import Synchronization
import TestSupport
import TestThreads
import Testing

/// An old broker is a listener that answers CONNECT as such brokers do, because mosquitto always knows MQTT 5.
@Suite("Brokers without MQTT 5", .waits, .timeLimit(.minutes(10)))
struct OldBrokerTests {
    @Test(
        "MQTT 3.1.1 is used if 5 is refused",
        arguments: [
            [UInt8]([0x20, 0x03, 0x00, 0x84, 0x00]),  // MQTT 5 CONNACK: unsupported protocol version
            [UInt8]([0x20, 0x02, 0x00, 0x01]),  // MQTT 3.1.1 CONNACK: unacceptable protocol version
            [UInt8](),  // hangs up without a word
        ])
    func fallBack(refusal: [UInt8]) async {
        let broker = OldBroker(refusal: refusal)
        var configuration = LinkConfiguration(host: "127.0.0.1", port: broker.port, clientID: "test")
        // This broker answers no ping: on a busy machine the connection would end before the test reads it.
        configuration.keepalive = 300
        let harness = LinkHarness(configuration)
        await harness.start()
        #expect(await harness.connected())
        // There may be several connections, because the link leaves a broker that does not answer its pings.
        #expect(await Set(harness.connections) == [.v311])
        var note: String?
        for case .connected(_, let text, _) in await harness.events { note = text }
        #expect(note?.contains("not retained") == true, "the note says what is lost")
        harness.link.stop()
        broker.stop()
    }

    @Test("MQTT 5 is kept if the configuration asks for it alone")
    func onlyFive() async {
        let broker = OldBroker(refusal: [0x20, 0x03, 0x00, 0x84, 0x00])
        var configuration = LinkConfiguration(host: "127.0.0.1", port: broker.port, clientID: "test")
        configuration.protocolPreference = .v5
        let harness = LinkHarness(configuration)
        await harness.start()
        #expect(await harness.wait { !$0.failures.isEmpty })
        #expect(await harness.failures.first?.description.contains("does not speak this version") == true)
        #expect(await harness.connections.isEmpty)
        harness.link.stop()
        broker.stop()
    }
}

/// A broker that refuses MQTT 5 and accepts 3.1.1.
private final class OldBroker: Sendable {
    let port: Int
    private let listener: Int32
    private let refusal: [UInt8]
    private let isStopped = Atomic<Bool>(false)

    init(refusal: [UInt8]) {
        (listener, port) = FreePort.listener()
        self.refusal = refusal
        // The loop blocks, so it has a thread of its own: a task would starve the pool on which the tests run.
        _ = OwnThread.start("old-broker") { [self] in serve() }
    }

    func stop() {
        isStopped.store(true, ordering: .relaxed)
        shutdown(listener, Int32(SHUT_RDWR))
    }

    private func serve() {
        var open: [Int32] = []
        while !isStopped.load(ordering: .relaxed) {
            var entry = pollfd(fd: listener, events: Int16(POLLIN), revents: 0)
            guard poll(&entry, 1, 100) > 0 else { continue }
            let client = accept(listener, nil, nil)
            guard client >= 0 else { break }
            var buffer = [UInt8](repeating: 0, count: 1024)
            let count = read(client, &buffer, buffer.count)
            // The packet has a fixed header, "MQTT" with its length, then the version. A probe sends nothing.
            let version = count > 8 ? buffer[8] : 0
            if version == 4 {
                let accepted: [UInt8] = [0x20, 0x02, 0x00, 0x00]
                _ = write(client, accepted, accepted.count)
                open.append(client)
            } else {
                if version == 5, !refusal.isEmpty { _ = write(client, refusal, refusal.count) }
                close(client)
            }
        }
        for client in open + [listener] { close(client) }
    }
}
