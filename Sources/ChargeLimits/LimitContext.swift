/// Facts that a calculator cannot know from its own pack.
public struct LimitContext: Hashable, Sendable {
    /// Every other pack of the bank is full, or there is none: float waits for the last pack.
    public var otherPacksAreFull = true
    /// Hour of the day, local time, 0...23; `nil` where it is unknown: a due full charge then begins at any hour.
    public var hour: Int?

    /// Creates the context of a pack alone.
    public init() {}
}
