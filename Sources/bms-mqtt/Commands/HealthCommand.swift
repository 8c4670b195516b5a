import MQTT
import BatteryEngine
import MQTTBridge
import Mosquitto
import LinuxIO
import ServiceIO

/// `bms-mqtt health`: asks the broker, as any consumer would, whether every pack of a configuration is healthy. The bridge itself has
/// no open port.
struct HealthCommand: Sendable {
    /// The models of the brokers, which the readers of events and the timer share.
    private final class Shared: Sendable {
        private let models: Lock<[HealthModel]>

        init(_ model: HealthModel, brokers: Int) { models = Lock(Array(repeating: model, count: brokers)) }

        /// The verdicts at the broker at which most packs are healthy: the bridge is at one of them.
        var verdicts: [HealthModel.Verdict] {
            let all = models.withLock { models in models.map { $0.verdicts(wall: Clock.now().wall) } }
            let most = all.map { $0.count(where: \.isHealthy) }.max()
            return all.first { $0.count(where: \.isHealthy) == most } ?? []
        }

        /// Takes an event of a broker.
        ///
        /// - Returns: `true` if every pack is healthy now.
        func take(_ event: LinkEvent, broker: Int) -> Bool {
            models.withLock { models in
                let wall = Clock.now().wall
                var model = models[broker]
                defer { models[broker] = model }
                switch event {
                case .connected: model.failure = nil
                case .disconnected(let failure): model.failure = failure.description
                case .line, .refusal: break
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
    /// Seconds within which every pack must be healthy.
    var seconds = defaultSeconds

    /// - Returns: the exit code: 0 if every pack is healthy in time, else 1.
    func run() async -> Int32 {
        let shared = Shared(model, brokers: link.brokers.count)
        let clients = link.brokers.enumerated().map { index, broker in
            var one = link.only(broker)
            if index > 0 { one.clientID += "-\(index)" }
            return MosquittoLink(one)
        }
        await withTaskGroup(of: Void.self) { group in
            for (index, client) in clients.enumerated() {
                client.subscribe(model.subscriptions.map { Subscription($0) })
                client.start()
                group.addTask {
                    for await event in client.events {
                        if shared.take(event, broker: index) { return }
                    }
                }
            }
            group.addTask { try? await Task.sleep(for: .seconds(seconds)) }
            await group.next()
            group.cancelAll()
        }
        for client in clients { client.beginStop() }
        for client in clients { client.stop() }
        let verdicts = shared.verdicts
        for verdict in verdicts {
            Console.write("\(verdict.pack): \(verdict.isHealthy ? "healthy" : "not healthy"): \(verdict.text)\n")
        }
        return verdicts.allSatisfy(\.isHealthy) ? 0 : 1
    }
}

extension HealthCommand {
    static let row = CommandRow(
        name: "health", summary: "the health of a running bridge, as an exit code",
        options: [
            .config, .pack,
            OptionRow(
                name: "--wait", kind: .whole("S", 1...3600),
                meaning: "seconds within which every pack must be healthy (default: \(HealthCommand.defaultSeconds))"),
        ],
        details: """
            Asks the broker of the configuration, or each of its list at the same time, as a consumer would: the bridge online, every
            pack online, its limits fresh.
            Prints a line for each pack. Exit code 0: all of them healthy; 1: not in time; 78: configuration.
            """, examples: ["bms-mqtt health", "bms-mqtt health --config ./config.yaml --wait 60"],
        work: .waiting(start))

    private static func start(_ arguments: Arguments) async throws(CommandFailure) -> Int32 {
        let configuration = try arguments.configuration()
        let plan = configuration.plan
        var ids = plan.ids
        if let id = arguments.text("--pack") {
            guard ids.contains(id) else {
                throw .usage("the configuration has no pack or bank '\(id.prefix(40))': \(ids.joined(separator: ", "))")
            }
            ids = [id]
        }
        var link = plan.link
        // With the bridge's own client id the broker would disconnect the bridge.
        link.clientID = Arguments.clientID("health")
        link.onRefusal = { Console.complain($0) }
        let model = HealthModel(base: configuration.baseTopic, ids: ids, interval: plan.bridge.limitsInterval)
        var command = HealthCommand(link: link, model: model)
        command.seconds = arguments.whole("--wait") ?? defaultSeconds
        return await command.run()
    }
}
