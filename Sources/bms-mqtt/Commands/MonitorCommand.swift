import MQTT
import BMSCore
import JSON
import Mosquitto
import BatteryEngine
import MQTTBridge
import LinuxIO
import Viewer
import ServiceIO

/// `bms-mqtt monitor`: a live view of a bridge's topics in the terminal; without a terminal, a line a second for each pack.
struct MonitorCommand: Sendable {
    let link: LinkConfiguration
    let base: String
    let pack: String?
    /// The command prints one summary of each pack and ends.
    var isOnce = false
    /// Last lines of the screen.
    var footer: [String] = []
    /// First lines of the screen.
    var header: @Sendable () -> [String] = { [] }
    /// Seconds of history.
    var memory: Int64 = 600
    /// The time in documents is compared with this machine's clock; a simulation may run faster than it.
    var judgesTime = true

    /// The model that the reader of events and the screen share.
    private final class Shared: Sendable {
        struct State: Sendable {
            var model: ReaderModel
            var failure: String?
            var wasConnected = false
        }

        private let state: Lock<State>

        init(_ model: ReaderModel) { state = Lock(State(model: model)) }

        var failure: String? { state.withLock { $0.failure } }
        var wasConnected: Bool { state.withLock { $0.wasConnected } }

        /// Looks at the model while no event changes it.
        func look<Result>(_ body: (ReaderModel) -> Result) -> Result { state.withLock { body($0.model) } }

        func take(_ event: LinkEvent) {
            state.withLock { state in
                switch event {
                case .connected: (state.failure, state.wasConnected) = (nil, true)
                case .disconnected(let failure): state.failure = failure.description
                case .line, .refusal: break
                case .message(let message):
                    state.model.take(
                        topic: message.topic, payload: message.payload, isRetained: message.retain,
                        expiry: message.expiry, at: .now)
                }
            }
        }
    }

    /// Runs until cancelled, or once.
    ///
    /// - Returns: the exit code.
    func run() async -> Int32 {
        let model = ReaderModel(base: base, only: pack, judgesTime: judgesTime, memory: memory)
        let shared = Shared(model)
        let client = MosquittoLink(link)
        client.subscribe(model.subscriptions.map { Subscription($0) })
        let follower = BridgeFollower(client, link, base: base)
        client.start()
        return await withTaskGroup(of: Int32?.self) { group in
            group.addTask {
                for await event in client.events {
                    follower.take(event)
                    shared.take(event)
                }
                return nil
            }
            group.addTask {
                while !Task.isCancelled {
                    follower.step()
                    try? await Task.sleep(for: .seconds(1))
                }
                return nil
            }
            group.addTask { await isOnce ? showOnce(shared) : show(shared) }
            var code: Int32?
            while code == nil, let next = await group.next() { code = next }
            group.cancelAll()
            follower.stop()
            client.stop()
            return code ?? 0
        }
    }

    /// Prints one summary of each pack. Retained documents come at once; three seconds are for slow networks.
    ///
    /// - Returns: the exit code: 0 if a pack has valid values, else 1.
    private func showOnce(_ shared: Shared) async -> Int32 {
        for _ in 0..<30 where !Task.isCancelled {
            try? await Task.sleep(for: .milliseconds(100))
            let views = shared.look { model in model.packs.values.map { model.view($0, at: .now) } }
            if !views.isEmpty, views.allSatisfy({ $0.fault == nil && $0.state != .null }) { break }
        }
        let views = shared.look { model in model.sorted.map { ($0.id, model.view($0.pack, at: .now)) } }
        for (id, view) in views { Console.write(MonitorScreen.summary(id, view) + "\n") }
        if views.isEmpty { Console.complain(shared.failure ?? shared.look(nothing)) }
        return views.contains { $0.1.fault == nil } ? 0 : 1
    }

    /// Reason why there is no pack to show.
    private func nothing(_ model: ReaderModel) -> String {
        guard let pack, !model.others.isEmpty else {
            return "no pack under '\(base)/' on \(link): is the bridge running with this base topic?"
        }
        let names = model.others.sorted()
        let more = names.count > 20 ? " and \(names.count - 20) more" : ""
        return "no pack '\(pack.prefix(40))' under '\(base)/' on \(link): there are "
            + names.prefix(20).map { String($0.prefix(40)) }.joined(separator: ", ") + more
    }

    private func show(_ shared: Shared) async -> Int32 {
        let isWhole = Terminal.isPresent ? await draw(shared) : await print(shared)
        // A viewer that never reached the broker has failed, whatever ended it.
        return isWhole && shared.wasConnected ? 0 : 1
    }

    /// Draws the screen until cancelled, or until somebody presses q.
    ///
    /// - Returns: `false` when the terminal is gone.
    private func draw(_ shared: Shared) async -> Bool {
        let keyboard = Keyboard()
        Terminal.enter()
        defer {
            Terminal.leave()
            keyboard?.release()
        }
        let help = keyboard == nil ? [] : ["q ends, tab and arrows choose a battery"]
        var selected: String?
        while !Task.isCancelled {
            let (header, trouble) = (header(), shared.failure.map { [$0] } ?? [])
            let lines = shared.look { model in
                let keys = model.packs.count > 1 ? help : []
                return Terminal.screen.lines(
                    model, selected: selected, header: header, footer: trouble + footer + keys, at: .now)
            }
            guard Terminal.draw(lines) else { return false }
            for _ in 0..<5 where !Task.isCancelled {
                let pressed = keyboard?.pressed() ?? []
                if pressed.contains(.quit) { return true }
                for key in pressed { selected = shared.look { $0.neighbour(of: selected, key == .next ? 1 : -1) } }
                if !pressed.isEmpty { break }
                try? await Task.sleep(for: .milliseconds(50))
            }
        }
        return true
    }

    /// Prints a line a second for each pack until cancelled, or until nobody reads it.
    ///
    /// - Returns: `true`.
    private func print(_ shared: Shared) async -> Bool {
        var (lastFailure, lastHeader): (String?, [String]) = (nil, [])
        while !Task.isCancelled {
            let failure = shared.failure
            if let failure, failure != lastFailure { Console.complain(failure) }
            lastFailure = failure
            let header = header()
            if header.last != lastHeader.last { for line in header { Console.write(line + "\n") } }
            lastHeader = header
            let lines = shared.look { model in
                model.sorted.map { MonitorScreen.summary($0.id, model.view($0.pack, at: .now)) }
            }
            for line in lines { guard Console.write(line + "\n") else { return true } }
            try? await Task.sleep(for: .seconds(1))
        }
        return true
    }
}

extension ReaderModel.View {
    /// The reason why no value is valid, with its time by this machine's clock.
    var faultText: String? { fault?.text(Clock.timeOfDay) }
}

extension ReaderModel.Instant {
    /// The present time of both clocks.
    static var now: Self { Self(monotonic: Clock.monotonic().milliseconds, wall: Clock.now().wall) }
}

extension MonitorCommand {
    static let row = CommandRow(
        name: "monitor", summary: "live view of a running bridge, read from MQTT",
        options: [
            .broker, .brokerConfig, .pack, .base,
            OptionRow(name: "--once", kind: .flag, meaning: "one line for each pack, then end"),
        ],
        details: """
            Shows what any other client of the broker can see: banks first, one battery in full with its relays, its cells and its last ten
            minutes. Tab and arrows choose the battery, q ends. Without a terminal it prints a line a second. A dash replaces each value
            that is not valid: a value of an offline bridge or pack, or a limit more than 30 s old by its arrival or its own time. A line
            says why and since when. The exit code is 1 if the broker was never reached, and with --once if no valid value came.
            """,
        examples: ["bms-mqtt monitor --broker 192.0.2.7", "bms-mqtt monitor --config ./config.yaml --once"],
        work: .waiting(start))

    private static func start(_ arguments: Arguments) async throws(CommandFailure) -> Int32 {
        let address = try arguments.client("monitor")
        if let note = address.note, !Terminal.isPresent { Console.complain(note) }
        // One look has no time to follow the bridge.
        let isOnce = arguments.has("--once")
        let link = isOnce ? await BridgeFinder.locate(address.link, base: address.base) : address.link
        return await MonitorCommand(
            link: link, base: address.base, pack: arguments.text("--pack"), isOnce: isOnce,
            footer: address.note.map { [$0] } ?? []
        ).run()
    }
}
