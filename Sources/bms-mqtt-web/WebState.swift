import HTTPServer
import JSON
import LinuxIO
import MQTT
import MQTTBridge
import ServiceIO
import Viewer

/// What is known of the batteries, for all threads.
final class WebState: Sendable {
    private struct State: Sendable {
        var model: ReaderModel
        var broker: BatteryList.Broker
        var list = BatteryList()
        /// The bridge has come online, and nobody was told yet what is valid with that.
        var hasReturned = false
    }

    /// News of one battery that came with a message.
    struct News {
        enum Kind {
            /// A document of this name.
            case document(String)
            case event(ReaderModel.Event)
        }

        var battery: String
        var kind: Kind
        /// What is valid now.
        var view: ReaderModel.View
        /// The limits that the bridge says, for a silent battery, too.
        var limits: JSONValue
        /// Name and data of the event that browsers get; `nil`: none.
        var event: (name: String, data: [UInt8])?
        /// The broker's copy of what was known already, after a new connection.
        var isRepeated = false
    }

    /// Events that are kept of each battery.
    private static let mostEvents = 50

    private let base: String
    private let state: Lock<State>

    /// - Parameter now: wall time, milliseconds.
    init(base: String, at now: Int64) {
        self.base = base
        let model = ReaderModel(base: base, readsSettings: true, mostEvents: Self.mostEvents)
        state = Lock(State(model: model, broker: BatteryList.Broker(since: now)))
    }

    var subscriptions: [String] { state.withLock { $0.model.subscriptions } }

    func connected(at now: ReaderModel.Instant) {
        state.withLock { state in
            state.broker.isConnected = true
            (state.broker.since, state.broker.text) = (now.wall, nil)
        }
    }

    /// The broker has accepted this program on the present connection.
    var isConnected: Bool { state.withLock { $0.broker.isConnected } }

    func disconnected(_ text: String, at now: ReaderModel.Instant) {
        state.withLock { state in
            // The time is that of the loss, not that of the last attempt.
            if state.broker.isConnected || state.broker.text == nil { state.broker.since = now.wall }
            (state.broker.isConnected, state.broker.text) = (false, text)
        }
    }

    /// Takes a message of the broker.
    func take(_ message: MQTTMessage, at now: ReaderModel.Instant) -> News? {
        let parts = message.topic.dropFirst(base.count + 1).split(separator: "/", omittingEmptySubsequences: false)
        return state.withLock { state in
            let before = parts.first.flatMap { state.model.packs[String($0)] }?.state?.payload
            let wasOnline = state.model.isBridgeOnline
            let isTaken = state.model.take(
                topic: message.topic, payload: message.payload, isRetained: message.retain, expiry: message.expiry,
                at: now)
            if state.model.isBridgeOnline, !wasOnline { state.hasReturned = true }
            guard isTaken, parts.count == 2, parts[0] != "bridge", let pack = state.model.packs[String(parts[0])]
            else { return nil }
            let (id, name) = (String(parts[0]), String(parts[1]))
            var news = News(
                battery: id, kind: .document(name), view: state.model.view(pack, at: now),
                limits: state.model.limits(pack, at: now))
            news.isRepeated = message.retain && name == "state" && pack.state?.payload == before
            if name == "event", let event = pack.events.first {
                news.kind = .event(event)
                var writer = JSONWriter()
                event.write(into: &writer)
                news.event = ("happened", writer.bytes)
            } else if BatteryDetails.documentNames.contains(name) {
                news.event = ("document", BatteryDetails.news(id, name, pack, state.model, at: now))
            } else {
                return nil
            }
            return news
        }
    }

    /// What has changed in the list since the last call, for each kind of stream that gets it.
    func changes(at now: ReaderModel.Instant) -> [(tag: String, data: [UInt8])] {
        state.withLock { state in
            state.list.changes(state.model, state.broker, at: now)
        }.map { changes in
            [(Routes.tag(nil), changes.all)] + changes.each.map { (Routes.tag($0), $1) }
        } ?? []
    }

    /// Settings and relays of all batteries, once after the bridge came online, for each kind of stream that gets them. Retained ones may
    /// come before its status, and nothing is valid without that.
    func returned(at now: ReaderModel.Instant) -> [(tag: String, data: [UInt8])] {
        state.withLock { state in
            guard state.hasReturned, state.model.isBridgeOnline else { return [] }
            state.hasReturned = false
            return state.model.packs.flatMap { id, pack in
                [("settings", pack.settings), ("relays", pack.relays)].compactMap { name, document in
                    document.map { _ in
                        (Routes.tag(id), BatteryDetails.news(id, name, pack, state.model, at: now))
                    }
                }
            }
        }
    }

    /// The whole list, or the part of it that a battery's page needs.
    func list(_ battery: String? = nil, at now: ReaderModel.Instant, members: (inout JSONWriter) -> Void) -> [UInt8] {
        state.withLock { BatteryList.json($0.model, $0.broker, only: battery, at: now, more: members) }
    }

    /// Everything of one battery; `nil`: there is none of this id.
    func details(_ id: String, at now: ReaderModel.Instant, members: (inout JSONWriter) -> Void) -> [UInt8]? {
        state.withLock { state in
            state.model.packs[id].map { BatteryDetails.json(id, $0, state.model, at: now, members: members) }
        }
    }

    /// The standing of a battery, for a command; `nil`: there is none of this id.
    func standing(_ id: String, at now: ReaderModel.Instant) -> Standing? {
        state.withLock { state in
            guard let pack = state.model.packs[id] else { return nil }
            let view = state.model.view(pack, at: now)
            let silence = view.state == .null ? "the battery has published no state yet" : nil
            let settings: Set<String> =
                if case .object(let members)? = pack.settings?.value { Set(members.keys) } else { [] }
            return Standing(
                fault: !state.broker.isConnected
                    ? "there is no connection to the MQTT broker" : view.fault?.text(Clock.timeOfDay) ?? silence,
                settings: settings)
        }
    }

    func knows(_ id: String) -> Bool { state.withLock { $0.model.packs[id] != nil } }

    /// The metrics of all batteries.
    func metrics(at now: ReaderModel.Instant) -> String {
        let (batteries, broker, bridge) = state.withLock { state in
            let batteries = state.model.sorted.map { id, pack in
                let view = state.model.view(pack, at: now)
                return MetricsText.Battery(
                    id: id, isLive: view.fault == nil,
                    documents: [
                        .state: view.state, .cells: view.cells, .limits: state.model.limits(pack, at: now),
                    ])
            }
            return (batteries, state.broker.isConnected, state.model.bridge?.text == "online")
        }
        return MetricsText.text(batteries, isConnected: broker, isBridgeOnline: broker && bridge)
    }
}
