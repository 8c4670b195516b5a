public import ChargeLimits
public import SmartBMS

/// One pack by configuration.
public struct PackOptions: Hashable, Sendable {
    /// Identifier in topics, `[a-z0-9_-]+`.
    public var id: String
    /// Name for people.
    public var name: String
    /// Serial number, where the owner gave one.
    public var serial: String?
    /// Which frames are believed.
    public var rules = FrameValidator()
    /// How frames become knowledge.
    public var decoding = SnapshotBuilder.Options()
    /// What the owner allows.
    public var limits = LimitConfiguration()
    /// Relays that the bridge drives for it.
    public var relays: [RelayOptions] = []
    /// Its number as a battery of the GX tree.
    public var gxInstance = 512
    /// Where its bytes come from, for people.
    public var connection = ""

    /// A pack with the defaults above.
    public init(id: String, name: String? = nil) {
        self.id = id
        self.name = name ?? id
    }
}
