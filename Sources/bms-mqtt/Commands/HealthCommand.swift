import MQTTBridge
import Mosquitto
import LinuxIO

/// `bms-mqtt health`: asks the broker, as any consumer would, whether every pack of a configuration can be relied on. The bridge
/// itself listens on nothing.
struct HealthCommand: Sendable {
    /// What the reader of events and the timer share.
    private final class Shared: Sendable {
        private let model: Lock<HealthModel>

        init(_ model: HealthModel) { self.model = Lock(model) }

        var verdicts: [HealthModel.Verdict] { model.withLock { $0.verdicts(wall: Clock.now().wall) } }

        /// Takes an event; whether all is well now.
        func take(_ event: LinkEvent) -> Bool {
            model.withLock { model in
                let wall = Clock.now().wall
                switch event {
                case .connected: model.failure = nil
                case .disconnected(let failure): model.failure = failure.description
                case .pace, .refusal: break
                case .message(let message):
                    model.take(
                        topic: message.topic, payload: message.payload, isRetained: message.retain, wall: wall)
                }
                return model.isHealthy(wall: wall)
            }
        }
    }

    static let defaultSeconds = 10

    let link: LinkConfiguration
    let model: HealthModel
    /// Seconds that it may take to become healthy.
    var seconds = defaultSeconds

    /// - Returns: the exit code: 0 where every pack is well, 1 where one is not in time.
    func run() async -> Int32 {
        let shared = Shared(model)
        let client = MosquittoLink(link)
        client.subscribe(model.subscriptions.map { Subscription($0) })
        client.start()
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                for await event in client.events {
                    if shared.take(event) { return }
                }
            }
            group.addTask { try? await Task.sleep(for: .seconds(seconds)) }
            await group.next()
            group.cancelAll()
        }
        client.stop()
        let verdicts = shared.verdicts
        for verdict in verdicts {
            Console.write("\(verdict.pack): \(verdict.isHealthy ? "healthy" : "not healthy"): \(verdict.text)\n")
        }
        return verdicts.allSatisfy(\.isHealthy) ? 0 : 1
    }
}
