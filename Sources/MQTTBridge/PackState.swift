public import ChargeLimits

/// What of a pack survives a restart.
public struct PackState: Hashable, Sendable {
    /// What was learned; `nil`: nothing yet.
    public var memory: LimitMemory?
    /// Settings that somebody changed, by name.
    public var settings: [String: StoredSetting]

    /// A state.
    public init(memory: LimitMemory? = nil, settings: [String: StoredSetting] = [:]) {
        self.memory = memory
        self.settings = settings
    }
}
