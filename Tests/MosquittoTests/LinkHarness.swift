import LinuxIO
import MQTT
import TestSupport

@testable import Mosquitto

/// A link under test, with its events collected as they come.
actor LinkHarness {
    nonisolated let link: MosquittoLink
    private(set) var events: [LinkEvent] = []
    private var reader: Task<Void, Never>?
    private var waiters: [CheckedContinuation<Void, Never>] = []

    init(_ configuration: LinkConfiguration) {
        // Without jitter the waits are 1, 2 and 4 seconds.
        link = MosquittoLink(configuration, random: { 0 })
    }

    /// A link whose refusals are kept.
    init(_ configuration: LinkConfiguration, _ complaints: Complaints) {
        var configuration = configuration
        configuration.onRefusal = { complaints.add($0) }
        self.init(configuration)
    }

    func start() {
        let link = link
        reader = Task { [weak self] in
            for await event in link.events { await self?.add(event) }
        }
        link.start()
    }

    private func add(_ event: LinkEvent) {
        events.append(event)
        wake()
    }

    private func wake() {
        let waiting = waiters
        waiters = []
        for waiter in waiting { waiter.resume() }
    }

    var messages: [MQTTMessage] {
        events.compactMap { if case .message(let message) = $0 { message } else { nil } }
    }

    var failures: [LinkFailure] {
        events.compactMap { if case .disconnected(let failure) = $0 { failure } else { nil } }
    }

    var connections: [ProtocolVersion] {
        events.compactMap { if case .connected(let version, _, _) = $0 { version } else { nil } }
    }

    /// Places of the brokers that accepted, in the list.
    var places: [Int] {
        events.compactMap { if case .connected(_, _, let place) = $0 { place } else { nil } }
    }

    /// Note of the last connection.
    var lastNote: String? {
        var last: String?
        for case .connected(_, let note, _) in events { last = note }
        return last
    }

    var lineReports: [Bool] {
        events.compactMap { if case .line(let takesLarge) = $0 { takesLarge } else { nil } }
    }

    /// Topics whose messages the broker refuses, or accepts again.
    var refusals: [String] {
        events.compactMap {
            if case .refusal(let topic, let isOver, _) = $0 { "\(topic) \(isOver ? "taken" : "refused")" } else { nil }
        }
    }

    /// Notes about lost features of a connection.
    var notes: [String] { events.compactMap { if case .connected(_, let note, _) = $0 { note } else { nil } } }

    /// Waits until a condition holds. The suite's time limit cancels a wait in vain, which is `false` then.
    func wait(until condition: @Sendable (isolated LinkHarness) -> Bool) async -> Bool {
        while !condition(self) {
            if Task.isCancelled { return false }
            await withTaskCancellationHandler {
                await withCheckedContinuation { waiters.append($0) }
            } onCancel: {
                Task { await self.wake() }
            }
        }
        return true
    }

    /// Sends messages until receipts show that the line is quick: on a busy machine, one message need not show it.
    nonisolated func becomesQuick() async -> Bool {
        while !link.core.state.withLock({ $0.line.throughput.isQuick }) {
            if Task.isCancelled { return false }
            link.publish(MQTTMessage("filler", [UInt8](repeating: 120, count: 2_500)))
            _ = Poll.wait(for: -1, seconds: 0.02)
        }
        return true
    }

    /// Waits for accepted connections.
    func connected(_ count: Int = 1) async -> Bool { await wait { $0.connections.count >= count } }
}

extension LinkConfiguration {
    /// A link to a broker of a test.
    init(_ broker: BrokerFixture, id: String = "test", keepalive: Int = 10) {
        self.init(host: "127.0.0.1", port: broker.port, clientID: id)
        self.keepalive = keepalive
    }
}

extension MQTTMessage {
    var text: String { String(decoding: payload, as: UTF8.self) }
}

/// Complaints in the order of their arrival.
final class Complaints: Sendable {
    private let texts = Journal<String>()
    private let stream = AsyncStream<String>.makeStream()

    func add(_ text: String) {
        texts.add(text)
        stream.continuation.yield(text)
    }

    var all: [String] { texts.all }

    /// The next complaint; the suite's time limit ends a wait in vain.
    func next() async -> String {
        for await text in stream.stream { return text }
        return ""
    }
}
