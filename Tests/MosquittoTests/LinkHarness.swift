import Mosquitto
import TestSupport

/// A link under test, with its events collected as they come.
actor LinkHarness {
    nonisolated let link: MosquittoLink
    private(set) var events: [LinkEvent] = []
    private var reader: Task<Void, Never>?

    init(_ configuration: LinkConfiguration) {
        // No jitter: the waits are 1, 2, 4 seconds.
        link = MosquittoLink(configuration, random: { 0 })
    }

    func start() {
        let link = link
        reader = Task { [weak self] in
            for await event in link.events { await self?.add(event) }
        }
        link.start()
    }

    private func add(_ event: LinkEvent) { events.append(event) }

    var messages: [IncomingMessage] {
        events.compactMap { if case .message(let message) = $0 { message } else { nil } }
    }

    var failures: [LinkFailure] {
        events.compactMap { if case .disconnected(let failure) = $0 { failure } else { nil } }
    }

    var connections: [ProtocolVersion] {
        events.compactMap { if case .connected(let version, _) = $0 { version } else { nil } }
    }

    /// Waits until something holds; `false` when time is up.
    func wait(seconds: Double = 20, until condition: @Sendable (isolated LinkHarness) -> Bool) async -> Bool {
        let end = Deadline(seconds: seconds)
        while !condition(self) {
            if end.isOver { return false }
            // Lets the reader in.
            try? await Task<Never, Never>.pause()
        }
        return true
    }

    /// Waits for the first accepted connection.
    func connected(_ count: Int = 1, seconds: Double = 20) async -> Bool {
        await wait(seconds: seconds) { $0.connections.count >= count }
    }
}

extension Task where Success == Never, Failure == Never {
    /// A short turn for others while waiting for an event.
    static func pause() async throws { try await ContinuousClock().sleep(for: .milliseconds(5)) }
}

extension LinkConfiguration {
    /// A link to a broker of a test.
    init(_ broker: BrokerFixture, id: String = "test", keepalive: Int = 10) {
        self.init(host: "127.0.0.1", port: broker.port, clientID: id)
        self.keepalive = keepalive
    }
}

extension OutgoingMessage {
    init(_ topic: String, _ text: String, qos: Int = 0, retain: Bool = false, expiry: Int? = nil) {
        self.init(topic: topic, payload: Array(text.utf8), qos: qos, retain: retain, expiry: expiry)
    }
}

extension IncomingMessage {
    var text: String { String(decoding: payload, as: UTF8.self) }
}
