/// Facts that a calculator cannot know from its own pack.
public struct LimitContext: Hashable, Sendable {
    /// Every other pack of its bank is full, or there is none: float waits for the last.
    public var otherPacksAreFull = true
    /// Hour of the day, local time, 0...23; `nil`: unknown, a due full charge then begins at any hour.
    public var hour: Int?

    /// A pack alone.
    public init() {}
}
