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
///
/// The access rules at the broker may no longer allow any of this, and some brokers end a connection at the first forbidden packet. So
/// everything else of the configuration goes first, and where connections end so, the packs are left alone.
struct Departures: Sendable {
    /// Milliseconds for which the packs that are served go first.
    private static let hesitation: Int64 = 3_000
    /// Milliseconds within which a broker ends a connection at a packet that its access rules forbid.
    private static let reaction: Int64 = 3_000
    /// Connections to one broker that may end so; then the packs are left alone there until the next life.
    private static let mostCuts = 2
    /// Another bridge repeats limits each fifteen seconds, unless its file makes that longer.
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
    /// Their topics were subscribed to on this connection.
    private var hasSubscribed = false
    /// Time of the last packet about them on this connection.
    private var actedAt: Timestamp?
    /// Numbers of connections that ended soon after such a packet, by the places of the brokers.
    private var cuts: [Int: Int] = [:]
    /// Packs of which the broker refused a message on this connection.
    private var refused: Set<DepartedPack> = []
    /// Packs whose refusal was logged.
    private var told: Set<DepartedPack> = []
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
    private var pending: [DepartedPack] {
        isCutOff ? [] : packs.filter { !cleared[$0, default: []].contains(brokers[broker]) }
    }

    /// The present broker ends connections because of these packs.
    private var isCutOff: Bool { cuts[broker, default: 0] >= Self.mostCuts }

    /// Topic filters to subscribe to: who else speaks for them, and how they were announced.
    private var filters: [Subscription] {
        pending.flatMap { pack in
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
        (hasSubscribed, refused) = (false, [])
        actedAt = areCorrected && !pending.isEmpty ? now : nil
        return areCorrected ? pending.map(Self.offline) : []
    }

    /// Handles the end of the connection, which may be the broker's answer to a packet about them.
    mutating func disconnected(at now: Timestamp, into outbox: inout Outbox) {
        let wasCut = actedAt.map { now - $0 < Self.reaction } ?? false
        let pending = pending
        (connectedAt, actedAt) = (nil, nil)
        guard wasCut else { return }
        cuts[broker, default: 0] += 1
        guard isCutOff, !pending.isEmpty else { return }
        outbox.log(
            .warning,
            "\(Self.names(pending)) left the configuration, and \(Self.mostCuts) connections ended when the bridge asked for topics of that, or "
                + "cleared them: they are left alone until its next start. If the broker's access rules forbid them, load the old rules, "
                + "restart the bridge, and load the new ones when it has said that all is cleared"
        )
    }

    /// Handles a message that the broker refused.
    mutating func refuse(_ topic: String) {
        guard let pack = packs.first(where: { concerns($0, topic) || isKept(topic, of: $0) }) else { return }
        refused.insert(pack)
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
        if !hasSubscribed, now - connectedAt >= Self.hesitation {
            (hasSubscribed, actedAt) = (true, now)
            outbox.subscriptions += filters
        }
        complain(into: &outbox)
        if let clearedAt {
            guard now - clearedAt >= Self.settling else { return }
            (self.connectedAt, cuts[broker]) = (nil, nil)
            let gone = pending.filter { !refused.contains($0) }
            for pack in gone {
                cleared[pack, default: []].insert(brokers[broker])
                outbox.cleared[pack] = cleared[pack]
            }
            if !gone.isEmpty {
                // MQTT 3.1.1 has no refusals.
                let doubt = hasSaidOffline ? "" : ", unless its access rules forbade that"
                outbox.log(.info, "the broker keeps nothing of \(Self.names(gone)) any more: all is cleared\(doubt)")
            }
            let done = packs.filter(isDone)
            outbox.settled += done
            packs.removeAll(where: done.contains)
            return
        }
        guard now - connectedAt >= Self.patience else { return }
        (clearedAt, actedAt) = (now, now)
        for pack in pending {
            outbox.send(
                [Self.offline(pack)]
                    + Self.kept.map { MQTTMessage(pack.topics.word($0, of: pack.id), [], qos: 1, retain: true) }
                    + Discovery.clearing(announcements.filter { isAnnouncement(pack, $0) }.sorted()))
            outbox.log(
                .info,
                "pack \(pack.id) left the configuration: it is called offline, and the broker is asked to forget what it keeps of it, its "
                    + "device in Home Assistant included")
        }
        announcements = []
    }

    /// Says once of each pack that the broker refuses its messages.
    private mutating func complain(into outbox: inout Outbox) {
        let new = refused.subtracting(told).sorted()
        told.formUnion(new)
        guard !new.isEmpty else { return }
        outbox.log(
            .warning,
            "\(Self.names(new)) left the configuration, and the broker refuses the messages that would clear it there: what it keeps stays. "
                + "It is tried again on each connection: let the broker's access rules allow its topics until all is cleared"
        )
    }

    private static func names(_ packs: [DepartedPack]) -> String {
        let names = packs.prefix(3).map { "pack \($0.id)" }.joined(separator: ", ")
        return packs.count > 3 ? "\(names) and \(packs.count - 3) others" : names
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

    private func isKept(_ topic: String, of pack: DepartedPack) -> Bool {
        Self.kept.contains { pack.topics.word($0, of: pack.id) == topic }
    }

    private func isAnnouncement(_ pack: DepartedPack, _ topic: String) -> Bool {
        guard let node = pack.topics.announcement(topic), !served.contains(node) else { return false }
        return node == Discovery.node(pack.id)
    }
}
