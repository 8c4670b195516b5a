import Mosquitto
import MQTTBridge
import LinuxIO

/// `bms-mqtt monitor`: what the topics of a bridge say, live in the terminal, or a line a second without one.
struct MonitorCommand: Sendable {
    let link: LinkConfiguration
    let base: String
    let pack: String?
    /// One summary of each pack, then the end.
    var isOnce = false
    /// Last lines of the screen.
    var footer: [String] = []

    /// What the reader of events and the painter share.
    private final class Shared: Sendable {
        struct State: Sendable {
            var model: MonitorModel
            var failure: String?
        }

        private let state: Lock<State>

        init(_ model: MonitorModel) { state = Lock(State(model: model)) }

        var now: State { state.withLock { $0 } }

        func take(_ event: LinkEvent) {
            state.withLock { state in
                switch event {
                case .connected: state.failure = nil
                case .disconnected(let failure): state.failure = failure.description
                case .pace: break
                case .message(let message):
                    state.model.take(topic: message.topic, payload: message.payload)
                }
            }
        }
    }

    /// Runs until cancelled, or once.
    ///
    /// - Returns: the exit code.
    func run() async -> Int32 {
        let model = MonitorModel(base: base, only: pack)
        let shared = Shared(model)
        let client = MosquittoLink(link)
        client.subscribe(model.subscriptions.map { Subscription($0) })
        client.start()
        return await withTaskGroup(of: Int32.self) { group in
            group.addTask {
                for await event in client.events { shared.take(event) }
                return 0
            }
            group.addTask { await isOnce ? showOnce(shared) : show(shared) }
            let code = await group.next() ?? 0
            group.cancelAll()
            client.stop()
            return code
        }
    }

    /// Retained documents come at once; three seconds are for slow networks.
    private func showOnce(_ shared: Shared) async -> Int32 {
        for _ in 0..<30 where !Task.isCancelled {
            try? await Task.sleep(for: .milliseconds(100))
            let packs = shared.now.model.packs.values
            if !packs.isEmpty, packs.allSatisfy({ $0.limits != nil && $0.state != nil }) { break }
        }
        let (model, failure) = (shared.now.model, shared.now.failure)
        for (id, pack) in model.sorted { Console.write(MonitorScreen.summary(id, pack) + "\n") }
        guard model.packs.isEmpty else { return 0 }
        Console.complain(failure ?? "no pack under '\(base)/' on \(link): is the bridge running with this base topic?")
        return 1
    }

    private func show(_ shared: Shared) async -> Int32 {
        let isTerminal = Terminal.isPresent
        if isTerminal { Terminal.enter() }
        defer { if isTerminal { Terminal.leave() } }
        var lastFailure: String?
        while !Task.isCancelled {
            let (model, failure) = (shared.now.model, shared.now.failure)
            if isTerminal {
                let trouble = failure.map { [$0] } ?? []
                Terminal.draw(Terminal.screen.lines(model, footer: trouble + footer))
                try? await Task.sleep(for: .milliseconds(250))
            } else {
                if let failure, failure != lastFailure { Console.complain(failure) }
                lastFailure = failure
                for (id, pack) in model.sorted where !Console.write(MonitorScreen.summary(id, pack) + "\n") {
                    return 0
                }
                try? await Task.sleep(for: .seconds(1))
            }
        }
        return 0
    }
}
