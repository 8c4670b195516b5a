public import BMSCore
public import ChargeLimits

/// A pack in few words and numbers, for a status line, an hourly summary and a health check.
public struct PackSummary: Hashable, Sendable {
    /// The pack's id.
    public var id: String
    /// Good frames come.
    public var isLive: Bool
    /// Cells in series; `nil` before the first believed frame.
    public var cellCount: Int?
    /// Pack voltage; `nil` where it is not live.
    public var voltage: Millivolts?
    /// State of charge, percent; `nil` where it is not live.
    public var soc: Int?
    /// The published limits; `nil` before the first believed frame.
    public var limits: Limits?
    /// Good frames in the last minute, percent; `nil` in the first minute.
    public var linkQuality: Int?
    /// Frames taken and refused since the start.
    public var framesAccepted: Int
    /// Frames refused since the start.
    public var framesRejected: Int
    /// Other counted events.
    public var counts: PackCounters
    /// Charged today, as the BMS counts; `nil` before the first frame.
    public var energyInToday: WattHours?
    /// Discharged today.
    public var energyOutToday: WattHours?
    /// Range of the limits since ``Engine/clearRanges()`` was called; `nil`: there were none.
    public var range: LimitRange?
}

/// Counted events of a pack in addition to its frames, since the start.
public struct PackCounters: Hashable, Sendable {
    /// Times that its source was opened.
    public var sourceOpenings = 0
    /// Times that the broker took the bridge in.
    public var brokerConnections = 0
    /// Commands that were refused.
    public var commandsRefused = 0

    /// Counters of 0.
    public init() {}
}

/// Lowest and highest value of each limit over a time.
public struct LimitRange: Hashable, Sendable {
    private var lowest: Limits.Levels
    private var highest: Limits.Levels

    /// The values of one moment.
    init(_ limits: Limits) {
        lowest = limits.levels
        highest = lowest
    }

    /// The values of another moment.
    mutating func note(_ limits: Limits) {
        lowest.cvl = min(lowest.cvl, limits.cvl)
        lowest.ccl = min(lowest.ccl, limits.ccl)
        lowest.dcl = min(lowest.dcl, limits.dcl)
        highest.cvl = max(highest.cvl, limits.cvl)
        highest.ccl = max(highest.ccl, limits.ccl)
        highest.dcl = max(highest.dcl, limits.dcl)
    }

    /// Lowest and highest value of a limit, mV or mA.
    public subscript(kind: LimitKind) -> ClosedRange<Int> {
        lowest.value(kind)...highest.value(kind)
    }
}
