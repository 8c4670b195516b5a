import BatteryEngine
import BMSCore
import JSON
import MQTT

/// The portal as a whole: clients that keep it alive, the rate of full publishes, and others that claim its id.
///
/// The rules are those of dbus-flashmq: values go out while a client asked within 60 s; a client may ask for everything, three times a
/// second at most, and gets an echo; a heartbeat says that the rest is alive.
struct GXPortal: Sendable {
    private static let aliveFor: Int64 = 60_000
    private static let heartbeat: Int64 = 3_000
    private static let serialInterval: Int64 = 60_000
    private static let silenceOfOther: Int64 = 180_000
    private static let longestOptions = 1024
    /// Milliseconds after a connection in which serials of other portals come, before this one claims to be one.
    private static let look: Int64 = 2_000
    /// Portals of others that are remembered.
    private static let mostOthers = 16
    /// The Venus OS whose topics this follows; clients want one that is new enough.
    private static let firmware = "v3.60"

    /// Everything that is published of the portal itself.
    static let paths = [serialPath, keepalivePath, heartbeatPath, publishedPath, firmwarePath]
    private static let serialPath = "system/0/Serial"
    private static let keepalivePath = "keepalive"
    private static let heartbeatPath = "heartbeat"
    private static let publishedPath = "full_publish_completed"
    private static let firmwarePath = "platform/0/Firmware/Installed/Version"

    let topics: GXTopics
    /// Whose the portal is: one bridge, one name.
    private let owner: String
    /// The tree is published beside a GX, too.
    private let isForced: Bool
    /// Portals of others that are no bridges: their clients would take this portal for the GX. When they were heard, where the broker does
    /// not keep them.
    private var others: [String: Timestamp?] = [:]
    /// Retained messages are known as such (MQTT 5).
    private var tellsRetention = true
    private var connectedAt: Timestamp?
    /// On the connection before there was one.
    private var hadOthers = false
    /// From when on this portal may say who it is.
    private var startsAt: Timestamp?
    private var aliveUntil: Timestamp?
    private var heartbeatAt: Timestamp?
    private var serialAt: Timestamp?
    private var fullPublishes = RateLimiter(burst: 3, perSecond: 3)
    private var reads = RateLimiter(burst: 200, perSecond: 50)
    /// The truth is told after a foreign message, but not fought for.
    private var corrections = RateLimiter(burst: 5, perSecond: 0.2)
    /// Another bridge with the same id was heard, and goes before this one.
    private var yieldedAt: Timestamp?
    private var hasToldOther = false
    private var hasToldForeign = false
    private var toldGX: Set<String> = []

    /// Answer to a keepalive.
    enum Answer: Hashable {
        case nothing
        /// Every value, then the message.
        case everything(then: MQTTMessage)
    }

    init(_ topics: GXTopics, owner: String, isForced: Bool) {
        self.topics = topics
        self.owner = owner
        self.isForced = isForced
    }

    /// Another bridge has the portal, or a GX is on the broker: nothing is published.
    func isYielded(at now: Timestamp) -> Bool {
        !others.isEmpty || (hadOthers && startsAt != nil) || hasRival(at: now)
    }

    /// Another bridge has the portal.
    private func hasRival(at now: Timestamp) -> Bool { yieldedAt.map { now - $0 < Self.silenceOfOther } ?? false }

    /// Somebody listens, and the portal is ours.
    func isAlive(at now: Timestamp) -> Bool { !isYielded(at: now) && (aliveUntil.map { now < $0 } ?? false) }

    /// Permits the answer to one more read, or refuses it in a flood.
    mutating func permitRead(at now: Timestamp) -> Bool { !isYielded(at: now) && reads.check(at: now) == .pass }

    /// Permits one more correction of a foreign message, or refuses it in a flood.
    mutating func permitCorrection(at now: Timestamp) -> Bool {
        isAlive(at: now) && corrections.check(at: now) == .pass
    }

    /// The broker accepted this bridge. Who is there already is heard first: a client that finds two portals takes either.
    ///
    /// - Parameter tellsRetention: what the broker keeps is known as such (MQTT 5).
    mutating func connected(tellsRetention: Bool, at now: Timestamp) {
        aliveUntil = nil
        hadOthers = !others.isEmpty
        self.tellsRetention = tellsRetention
        connectedAt = now
        // Who left meanwhile said so to nobody here; who is still there is heard again.
        others = [:]
        startsAt = isForced ? now : now + Self.look
        serialAt = now
    }

    /// Heartbeat and serial, when they are due.
    mutating func tick(at now: Moment) -> [MQTTMessage] {
        var messages: [MQTTMessage] = []
        let silent = others.filter { $0.value.map { now.monotonic - $0 >= Self.silenceOfOther } ?? false }
        if !silent.isEmpty {
            for portal in silent.keys { others[portal] = nil }
            left(at: now.monotonic)
        }
        if let startsAt {
            guard now.monotonic >= startsAt else { return [] }
            self.startsAt = nil
            guard !isYielded(at: now.monotonic) else { return [] }
            serialAt = now.monotonic
            messages = [serial, MQTTMessage(topics.notify(Self.keepalivePath), Array("1".utf8))]
        }
        guard !isYielded(at: now.monotonic) else { return [] }
        if serialAt.map({ now.monotonic - $0 >= Self.serialInterval }) ?? true {
            serialAt = now.monotonic
            messages.append(serial)
        }
        if isAlive(at: now.monotonic), heartbeatAt.map({ now.monotonic - $0 >= Self.heartbeat }) ?? true {
            heartbeatAt = now.monotonic
            messages.append(message(Self.heartbeatPath, .integer(Int(now.wallSecond))))
        }
        return messages
    }

    mutating func keepalive(_ payload: [UInt8], at now: Moment) -> Answer {
        guard !isYielded(at: now.monotonic) else { return .nothing }
        aliveUntil = now.monotonic + Self.aliveFor
        let text = String(decoding: payload.prefix(Self.longestOptions), as: UTF8.self)
        guard !text.contains("suppress-republish"), fullPublishes.check(at: now.monotonic) == .pass else {
            return .nothing
        }
        var writer = JSONWriter(reserving: 64)
        writer.beginObject()
        if let echo = Self.echo(payload) { writer.member("full-publish-completed-echo", echo) }
        writer.member("value", .integer(Int(now.wallSecond)))
        writer.endObject()
        return .everything(then: MQTTMessage(topics.notify(Self.publishedPath), writer.bytes))
    }

    /// Services of the portal itself.
    enum Service: String, CaseIterable {
        case system, platform
    }

    /// Every value of a service of the portal itself.
    func values(of service: Service) -> [MQTTMessage] {
        switch service {
        case .system: [serial]
        case .platform: [message(Self.firmwarePath, .text(Self.firmware))]
        }
    }

    /// Somebody else published on one of our topics.
    ///
    /// - Returns: a line for the log, the first time.
    mutating func foreign(_ path: String, _ payload: [UInt8], isRetained: Bool, at now: Timestamp) -> String? {
        // What the broker had kept may be left by a bridge that is gone; and nobody needs to hear of an emptied topic. Later what comes
        // with the flag is live, and its sender wants it kept.
        let isOld = isRetained && connectedAt.map { now - $0 < Self.look } ?? true
        guard !isOld, !payload.isEmpty else { return nil }
        guard path == Self.serialPath else {
            defer { hasToldForeign = true }
            let text =
                "another client publishes on \(topics.notify(path)): only this bridge should; if it is a GX, give this bridge another "
                + "gx.portalId, else keep it out with the broker's access rules ('bms-mqtt acl')"
            return hasToldForeign ? nil : text
        }
        let other = JSONValue(parsing: Array(payload.prefix(Self.longestOptions)))?["owner"]?.text ?? ""
        guard other != owner else { return nil }
        let yields = other < owner
        if yields { yieldedAt = now }
        defer { hasToldOther = true }
        let text =
            "another bridge or a GX uses the portal id \(topics.portal), too: give each its own with gx.portalId; "
            + (yields ? "this one keeps its tree silent until then" : "this one goes on")
        return hasToldOther ? nil : text
    }

    /// News of a portal of another id.
    struct Meeting: Hashable {
        /// The tree falls silent because of it: what was said of it is to be emptied.
        var endsTree = false
        /// A line for the log, the first time.
        var warning: String?
    }

    /// A portal of another id is on this broker, or left it.
    ///
    /// A client of a GX takes one portal, the first that it finds. So beside one that is no bridge's this tree is silent, unless the
    /// file wants it.
    ///
    /// - Parameter isRetained: the broker keeps it; else it counts for three minutes.
    mutating func met(_ portal: String, _ payload: [UInt8], isRetained: Bool, at now: Timestamp) -> Meeting {
        guard portal.count == 12, portal.allSatisfy(\.isHexDigit) else { return Meeting() }
        guard !payload.isEmpty else {
            if others.removeValue(forKey: portal) != nil { left(at: now) }
            return Meeting()
        }
        // Bridges say whose they are.
        guard JSONValue(parsing: Array(payload.prefix(Self.longestOptions)))?["owner"]?.text == nil else {
            return Meeting()
        }
        let isNew = toldGX.count < Self.mostOthers && toldGX.insert(portal).inserted
        let text =
            "a GX device (portal id \(portal)) is on this broker: it takes the battery through its driver dbus-mqtt-battery, "
            + "see 'bms-mqtt gx-setup'; "
            + (isForced
                ? "gx.tree is true, so its clients may take this bridge for the GX and see nothing else of it"
                : "this bridge keeps its own GX tree silent, for clients would take it for the GX; gx.tree: true publishes it all the "
                    + "same, gx.tree: false switches the tree off and ends this message")
        guard !isForced else { return Meeting(warning: isNew ? text : nil) }
        let endsTree = others.isEmpty && !hasRival(at: now)
        // Something of a portal that the broker does not keep may be a single message of anybody.
        let isKept = isRetained || !tellsRetention || others[portal] == .some(nil)
        if others.count < Self.mostOthers || others[portal] != nil {
            others.updateValue(isKept ? nil : now, forKey: portal)
        }
        return Meeting(endsTree: endsTree, warning: isNew ? text : nil)
    }

    /// Another portal is there no more: after the last this one may say who it is.
    private mutating func left(at now: Timestamp) {
        if others.isEmpty { (hadOthers, startsAt) = (false, max(startsAt ?? now, now)) }
    }

    /// Takes the portal back from the broker.
    var clearing: MQTTMessage { MQTTMessage(topics.notify(Self.serialPath), [], retain: true) }

    func message(_ path: String, _ value: MetricValue) -> MQTTMessage {
        MQTTMessage(topics.notify(path), Self.payload(value))
    }

    /// `{"value":x}`; a setting has its bounds, too.
    static func payload(_ value: MetricValue, bounds: (MetricValue, MetricValue)? = nil) -> [UInt8] {
        var writer = JSONWriter(reserving: 32)
        writer.beginObject()
        if let bounds {
            writer.member("max", bounds.1)
            writer.member("min", bounds.0)
        }
        writer.member("value", value)
        writer.endObject()
        return writer.bytes
    }

    private var serial: MQTTMessage {
        var writer = JSONWriter(reserving: 64)
        writer.beginObject()
        writer.member("owner", owner)
        writer.member("value", topics.portal)
        writer.endObject()
        return MQTTMessage(topics.notify(Self.serialPath), writer.bytes, retain: true)
    }

    private static func echo(_ payload: [UInt8]) -> String? {
        guard payload.count <= longestOptions, let options = JSONValue(parsing: payload)?["keepalive-options"]?.array
        else { return nil }
        return options.lazy.compactMap { $0["full-publish-completed-echo"]?.text }.first
    }
}
