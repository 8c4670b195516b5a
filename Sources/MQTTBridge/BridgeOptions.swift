/// Form in which packs are announced to Home Assistant.
public enum DiscoveryMode: String, Sendable, CaseIterable {
    /// One announcement for a device with all its entities (Home Assistant 2024.12 and later).
    case device
    /// One announcement for each entity (older releases).
    case entities
    /// None.
    case off
}

/// Options of a bridge, for all of its packs.
public struct BridgeOptions: Hashable, Sendable {
    /// Topic names.
    public var topics = Topics(base: "bms", discoveryPrefix: "homeassistant")
    /// Topic on which Home Assistant reports its start.
    public var birthTopic = "homeassistant/status"
    /// Names of the brokers that may serve, one at a time, in the order of their places.
    public var brokers = ["localhost"]
    /// Form of the announcements.
    public var discovery = DiscoveryMode.device
    /// Language of the entities' names.
    public var language = Language.en
    /// Entities of cells above this number are disabled at first: a recorder would drown.
    public var enabledCells = 24
    /// The document for the GX driver dbus-mqtt-battery is published.
    public var gxFeed = true
    /// The tree of a GX; `nil`: none.
    public var gxTree: GXTreeOptions?
    /// Economy with messages: the change of a measurement that is worth one.
    public var economy = Economy.normal
    /// Shortest time between two `state` documents that bring nothing but measurements, ms; 0: one with every frame.
    public var stateInterval: Int64 = 5_000
    /// Longest time between two `state` documents, ms.
    public var stateHeartbeat: Int64 = 10_000
    /// Longest time between two `limits` documents, ms; 0: one with every frame.
    public var limitsInterval: Int64 = 5_000
    /// Longest time between two `cells` documents, ms; 0: one with every frame.
    public var cellsInterval: Int64 = 30_000
    /// Seconds after which the broker forgets a retained document (MQTT 5).
    public var expiry = 30
    /// Milliseconds for which a broker keeps any document of this bridge, at most.
    var longestStay: Int64 { max(Int64(expiry) * 1000, cellsInterval * 3) }
    /// Each value is published on a topic of its own, too.
    public var publishesValues = false
    /// Settings may be commanded.
    public var takesCommands = true
    /// Version of this program, for the announcement's origin.
    public var version = "0"

    /// The defaults above.
    public init() {}
}

/// The tree of topics that clients of a GX device read.
public struct GXTreeOptions: Hashable, Sendable {
    /// Portal id, 12 hexadecimal digits.
    public var portalID: String
    /// Topic levels before N, R and W; often empty.
    public var prefix: String
    /// Name of this bridge among those that might claim the same portal id.
    public var owner: String
    /// The tree is published beside a GX device as well.
    public var isForced: Bool

    /// A tree of topics.
    public init(portalID: String, prefix: String = "", owner: String, isForced: Bool = false) {
        self.portalID = portalID
        self.prefix = prefix
        self.owner = owner
        self.isForced = isForced
    }

    var topics: GXTopics { GXTopics(portal: portalID, prefix: prefix) }
}
