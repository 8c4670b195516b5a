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
    /// Checks that a frame must pass.
    public var rules = FrameValidator()
    /// Properties that turn frames into knowledge.
    public var decoding = SnapshotBuilder.Options()
    /// Limits that the owner allows.
    public var limits = LimitConfiguration()
    /// Relays that the bridge drives for it.
    public var relays: [RelayOptions] = []
    /// Its number as a battery of the GX tree.
    public var gxInstance = 512
    /// Its limits are told on a CAN bus.
    public var hasBus = false
    /// Source of its bytes, for people.
    public var connection = ""
    /// Advice to its owner about the configuration.
    public var advice: [Advice] = []

    /// A pack with the defaults above.
    public init(id: String, name: String? = nil) {
        self.id = id
        self.name = name ?? id
    }
}
