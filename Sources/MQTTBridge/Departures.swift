import BMSCore

/// A pack or bank that this bridge announced once, in the words of the topics.
public struct DepartedPack: Hashable, Sendable {
    /// Topics below which it was published.
    public var topics: Topics
    /// Its id.
    public var id: String

    /// A pack or bank.
    public init(_ topics: Topics, _ id: String) {
        self.topics = topics
        self.id = id
    }
}

/// Packs that left the configuration while the bridge was dead, or with a reload: nobody would ever say `offline` for them.
///
/// Said at once is that they are offline. What the broker keeps of them, their announcements included, goes ten seconds later, unless
/// somebody else speaks for them meanwhile: another bridge took them over, and they are none of this bridge's any more.
struct Departures: Sendable {
    /// Limits come each five seconds.
    private static let patience: Int64 = 10_000
    /// Packs that are cleared in one life of the bridge; the others wait for the next.
    private static let most = 64
    /// Announcements that are cleared: one for each entity.
    private static let mostAnnouncements = 4_096
    private static let kept: [OwnWord] = OwnWord.allCases.filter(\.isKept)

    private var waiting: [DepartedPack]
    private var since: Timestamp?
    private var announcements: Set<String> = []
    private var unsent = Outbox()

    init(_ packs: [DepartedPack]) {
        waiting = Array(packs.sorted { ($0.topics.base, $0.id) < ($1.topics.base, $1.id) }.prefix(Self.most))
    }

    /// Topic filters to subscribe to: who else speaks for them, and how they were announced.
    var filters: [TopicFilter] {
        waiting.flatMap { pack in
            [pack.topics.status(pack.id), pack.topics.limits(pack.id)].map {
                TopicFilter($0, excludesOwn: true, toleratesOwn: true)
            } + pack.topics.announced(pack.id).map { TopicFilter($0) }
        }
    }

    mutating func connected(at now: Timestamp) -> [OutboundMessage] {
        since = now
        return waiting.map { OutboundMessage($0.topics.status($0.id), Array("offline".utf8), qos: 1, retain: true) }
    }

    /// A message on that topic is for ``hear(_:_:isRetained:)``.
    func awaits(_ topic: String) -> Bool { !waiting.isEmpty && waiting.contains { Self.concerns($0, topic) } }

    /// - Returns: a line for the log.
    mutating func hear(_ topic: String, _ payload: [UInt8], isRetained: Bool) -> Notice? {
        guard let index = waiting.firstIndex(where: { Self.concerns($0, topic) }) else { return nil }
        let pack = waiting[index]
        guard !Self.isAnnouncement(pack, topic) else {
            // Only one of ours: a pack of another base may have the same id.
            if isRetained, announcements.count < Self.mostAnnouncements, Self.mentions(pack, payload) {
                announcements.insert(topic)
            }
            return nil
        }
        // What the broker kept is this bridge's own, of before; so is the word that comes back on MQTT 3.1.1.
        guard !isRetained, !payload.isEmpty, payload != Array("offline".utf8) else { return nil }
        waiting.remove(at: index)
        unsent.settled.append(pack)
        return Notice(
            level: .info,
            text: "pack \(pack.id) left the configuration, and another bridge speaks for it now: it is left alone")
    }

    /// Clears what nobody took over in time.
    mutating func step(at now: Timestamp, into outbox: inout Outbox) {
        outbox.settled += unsent.settled
        unsent = Outbox()
        guard !waiting.isEmpty, let since, now - since >= Self.patience else { return }
        for pack in waiting {
            outbox.send(
                Self.kept.map { OutboundMessage(pack.topics.word($0, of: pack.id), [], qos: 1, retain: true) }
                    + Discovery.clearing(announcements.filter { Self.isAnnouncement(pack, $0) }.sorted()))
            outbox.say(
                .info,
                "pack \(pack.id) left the configuration: it is offline, and what the broker kept of it is taken back, its device in Home "
                    + "Assistant included")
        }
        outbox.settled += waiting
        (waiting, announcements) = ([], [])
    }

    private static func concerns(_ pack: DepartedPack, _ topic: String) -> Bool {
        topic == pack.topics.status(pack.id) || topic == pack.topics.limits(pack.id) || isAnnouncement(pack, topic)
    }

    private static func isAnnouncement(_ pack: DepartedPack, _ topic: String) -> Bool {
        pack.topics.announcement(topic) == Discovery.node(pack.id)
    }

    private static func mentions(_ pack: DepartedPack, _ payload: [UInt8]) -> Bool {
        let words = Array("\"\(pack.topics.base)/\(pack.id)/".utf8)
        guard payload.count >= words.count else { return false }
        return (0...payload.count - words.count).contains { payload[$0..<$0 + words.count].elementsEqual(words) }
    }
}

extension Outbox {
    /// Nothing but a line for the log.
    init(_ notice: Notice?) {
        self.init()
        if let notice { notices = [notice] }
    }
}
