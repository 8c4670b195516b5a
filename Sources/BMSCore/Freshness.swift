/// Age of the last good frame, in steps that decide what may be published (design: staleness).
public enum Freshness: Int, Comparable, Sendable, CaseIterable {
    /// Normal.
    case fresh
    /// Limits may fall, never rise.
    case holding
    /// Offline: no charge, little discharge, measurements unknown.
    case stale
    /// The link counts as lost: no discharge either.
    case lost
    /// There never was a good frame.
    case waiting

    /// Order from good to bad.
    public static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }

    /// Measurements may be shown as live.
    public var isLive: Bool { self <= .holding }
}

/// Ages at which ``Freshness`` changes, in milliseconds. An age equal to a limit is still on the good side.
public struct FreshnessTimes: Hashable, Sendable {
    /// Age above which limits no longer rise.
    public var hold: Int64
    /// Age above which the pack is offline.
    public var stale: Int64
    /// Age above which the link is lost.
    public var lost: Int64
    /// Time for which limits do not rise after the line damaged anything: the sum has eight bits, and where much is damaged some of the
    /// damage passes.
    public static let distrust: Int64 = 20_000

    /// Times in milliseconds; the defaults are 3 s, 10 s, 60 s.
    public init(hold: Int64 = 3_000, stale: Int64 = 10_000, lost: Int64 = 60_000) {
        self.hold = hold
        self.stale = stale
        self.lost = lost
    }

    /// The line damaged something a short while before `now`, or the clock jumped back since.
    public static func isDistrusted(_ damagedAt: Timestamp?, at now: Timestamp) -> Bool {
        damagedAt.map { (-distrust...distrust).contains(now - $0) } ?? false
    }

    /// Freshness of data from `moment` as seen at `now`. A moment in the future proves that the clock jumped back: if it jumped by more
    /// than ``hold``, the age is unknown, and the link counts as lost.
    public func freshness(of moment: Timestamp?, at now: Timestamp) -> Freshness {
        guard let moment else { return .waiting }
        let age = now - moment
        if age < -hold { return .lost }
        if age <= hold { return .fresh }
        if age <= stale { return .holding }
        return age <= lost ? .stale : .lost
    }
}
