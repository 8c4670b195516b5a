public import ChargeLimits

/// One bank by configuration: packs in parallel, each with its own BMS.
public struct BankOptions: Hashable, Sendable {
    /// Identifier in topics, `[a-z0-9_-]+`, different from those of all packs and banks.
    public var id: String
    /// Name for people.
    public var name: String
    /// Ids of its packs, two at least.
    public var packs: [String]
    /// Ids of those that the owner took off the bus.
    public var disconnected: Set<String> = []
    /// Bounds in addition to those of its packs.
    public var limits = BankConfiguration()
    /// Its number as a battery of the GX tree.
    public var gxInstance = 512
    /// Its limits are told on a CAN bus.
    public var hasBus = false

    /// A bank with the defaults above.
    public init(id: String, name: String? = nil, packs: [String]) {
        self.id = id
        self.name = name ?? id
        self.packs = packs
    }
}
