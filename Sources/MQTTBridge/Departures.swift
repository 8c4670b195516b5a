import BatteryEngine
import MQTT
import BMSCore
import ChargeLimits
import JSON

/// A pack or bank that this bridge announced once, in the words of the topics.
public struct DepartedPack: Hashable, Comparable, Sendable {
    /// Topics below which it was published.
    public var topics: Topics
    /// Its id.
    public var id: String

    /// A pack or bank.
    public init(_ topics: Topics, _ id: String) {
        self.topics = topics
        self.id = id
    }

    /// Order by topics, then by id.
    public static func < (one: Self, other: Self) -> Bool {
        (one.topics.base, one.id) < (other.topics.base, other.id)
    }
}

/// Packs that left the configuration while the bridge was dead, or with a reload: nobody would ever say `offline` for them.
///
/// Said at once is that they are offline; another bridge that took one over hears that, and says what is true. On MQTT 3.1.1 it cannot hear
/// it. So there it is said twenty seconds after the connection, for those for which nobody else has spoken meanwhile. By then what the broker
/// keeps of them, their announcements included, is taken back, too. What another bridge took over is none of this bridge's any more.
struct Departures: Sendable {
    /// Limits come each fifteen seconds at least.
    private static let patience: Int64 = 20_000
    /// A broker has taken what it was sent by then, or the connection has ended.
    private static let settling: Int64 = 30_000
    /// Packs that are cleared in one life of the bridge; the others wait for the next.
    private static let most = 64
    /// Announcements that are cleared: one for each entity.
    private static let mostAnnouncements = 4_096
    private static let kept: [DocumentKind] = DocumentKind.allCases.filter(\.isKept)

    /// The packs of this life.
    private var packs: [DepartedPack] = []
    /// Names of the brokers at which nothing is left of a pack.
    private var cleared: [DepartedPack: Set<String>]
    /// Nodes of announcements that belong to packs that are served: these change their own.
    private let served: Set<String>
    private var connectedAt: Timestamp?
    /// Time at which they were cleared on this connection.
    private var clearedAt: Timestamp?
    private var announcements: Set<String> = []
    private var settled: [DepartedPack] = []
    /// Their status `offline` was published on this connection.
    private var hasSaidOffline = false
    /// Names of the brokers, each of which may keep something of them.
    private let brokers: [String]
    /// Place of the present broker.
    private var broker = 0

    /// - Parameters:
    ///   - departed: the packs, with the names of the brokers at which nothing is left of them.
    ///   - served: ids of the packs and banks of the bridge.
    ///   - brokers: names of the brokers in the configuration.
    init(_ departed: [DepartedPack: Set<String>], served: [String], brokers: [String]) {
        self.brokers = brokers
        cleared = departed
        self.served = Set(served.map(Discovery.node))
        settled = departed.keys.filter(isDone).sorted()
        // Packs that were cleared nowhere come first: each has its turn in some life.
        let due = departed.filter { !isDone($0.key) }.sorted { ($0.value.count, $0.key) < ($1.value.count, $1.key) }
        packs = due.prefix(Self.most).map(\.key)
    }

    /// Nothing is left of a pack at any broker of the configuration.
    private func isDone(_ pack: DepartedPack) -> Bool { brokers.allSatisfy(cleared[pack, default: []].contains) }

    /// Packs of which the present broker may keep something.
    private var pending: [DepartedPack] { packs.filter { !cleared[$0, default: []].contains(brokers[broker]) } }

    /// Topic filters to subscribe to: who else speaks for them, and how they were announced.
    var filters: [Subscription] {
        packs.flatMap { pack in
            [pack.topics.status(pack.id), pack.topics.limits(pack.id)].map {
                Subscription($0, qos: 1, noLocal: true, toleratesOwn: true)
            }
                + (served.contains(Discovery.node(pack.id))
                    ? [] : pack.topics.announced(pack.id).map { Subscription($0, qos: 1) })
        }
    }

    /// - Parameters:
    ///   - areCorrected: another bridge would hear a wrong status, and say what is true (MQTT 5).
    ///   - broker: place of the broker.
    mutating func connected(areCorrected: Bool, broker: Int, at now: Timestamp) -> [MQTTMessage] {
        self.broker = broker
        let pending = pending
        (connectedAt, clearedAt) = (pending.isEmpty ? nil : now, nil)
        (announcements, hasSaidOffline) = ([], areCorrected)
        return areCorrected ? pending.map(Self.offline) : []
    }

    /// A message on that topic is for ``hear(_:_:isRetained:into:)``.
    func awaits(_ topic: String) -> Bool { !packs.isEmpty && packs.contains { concerns($0, topic) } }

    /// Handles a message on a topic that it awaits.
    mutating func hear(_ topic: String, _ payload: [UInt8], isRetained: Bool, into outbox: inout Outbox) {
        guard let index = packs.firstIndex(where: { concerns($0, topic) }) else { return }
        let pack = packs[index]
        guard !isAnnouncement(pack, topic) else {
            if !isRetained {
                // It is somebody else's now, or empty.
                announcements.remove(topic)
            } else if announcements.count < Self.mostAnnouncements,
                payload.contains("\"\(pack.topics.base)/\(pack.id)/")
            {
                // Only one of ours: a pack of another base may have the same id.
                announcements.insert(topic)
            }
            return
        }
        // What the broker kept is this bridge's own, of before; so is the word that comes back on MQTT 3.1.1.
        guard !isRetained, !payload.isEmpty, payload != Array("offline".utf8) else { return }
        packs.remove(at: index)
        settled.append(pack)
        // On MQTT 3.1.1 the other bridge has not heard that its pack was called offline.
        if hasSaidOffline, topic == pack.topics.limits(pack.id), Self.restOnData(payload) {
            outbox.send(MQTTMessage(pack.topics.status(pack.id), Array("online".utf8), qos: 1, retain: true))
        }
        outbox.log(
            .info, "pack \(pack.id) left the configuration, and another bridge speaks for it now: it is left alone")
    }

    /// Says that those are offline that nobody took over in time, and clears them; later they need no more care.
    mutating func step(at now: Timestamp, into outbox: inout Outbox) {
        outbox.settled += settled
        settled = []
        guard !packs.isEmpty, let connectedAt else { return }
        if let clearedAt {
            guard now - clearedAt >= Self.settling else { return }
            self.connectedAt = nil
            for pack in pending {
                cleared[pack, default: []].insert(brokers[broker])
                outbox.cleared[pack] = cleared[pack]
            }
            let done = packs.filter(isDone)
            outbox.settled += done
            packs.removeAll(where: done.contains)
            return
        }
        guard now - connectedAt >= Self.patience else { return }
        clearedAt = now
        for pack in pending {
            outbox.send(
                [Self.offline(pack)]
                    + Self.kept.map { MQTTMessage(pack.topics.word($0, of: pack.id), [], qos: 1, retain: true) }
                    + Discovery.clearing(announcements.filter { isAnnouncement(pack, $0) }.sorted()))
            outbox.log(
                .info,
                "pack \(pack.id) left the configuration: it is offline, and what the broker kept of it is taken back, its device in Home "
                    + "Assistant included")
        }
        announcements = []
    }

    /// Limits of a bridge that has fresh data.
    private static func restOnData(_ limits: [UInt8]) -> Bool {
        guard let state = JSONValue(parsing: limits)?["chargeState"]?.text else { return false }
        return ChargeState(rawValue: state).map { $0 != .stale } ?? false
    }

    private static func offline(_ pack: DepartedPack) -> MQTTMessage {
        MQTTMessage(pack.topics.status(pack.id), Array("offline".utf8), qos: 1, retain: true)
    }

    private func concerns(_ pack: DepartedPack, _ topic: String) -> Bool {
        topic == pack.topics.status(pack.id) || topic == pack.topics.limits(pack.id) || isAnnouncement(pack, topic)
    }

    private func isAnnouncement(_ pack: DepartedPack, _ topic: String) -> Bool {
        guard let node = pack.topics.announcement(topic), !served.contains(node) else { return false }
        return node == Discovery.node(pack.id)
    }
}
