public import BMSCore

/// Time as the bridge needs it: ages by a clock that never jumps, dates by the wall's.
public struct Moment: Hashable, Sendable {
    /// For ages, slews and heartbeats.
    public var monotonic: Timestamp
    /// Milliseconds since 1970 UTC, for what people and other programs read.
    public var wall: Int64
    /// Minute of the day, local time, 0...1439; `nil`: unknown.
    public var minuteOfDay: Int?

    /// A moment on both clocks.
    public init(monotonic: Timestamp, wall: Int64, minuteOfDay: Int? = nil) {
        self.monotonic = monotonic
        self.wall = wall
        self.minuteOfDay = minuteOfDay
    }

    /// Whole seconds since 1970.
    package var wallSecond: Int64 { wall / 1000 }
}
