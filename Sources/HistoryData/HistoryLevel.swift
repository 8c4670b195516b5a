/// The details in which values are kept; the number is the length of a bucket in seconds.
public enum HistoryLevel: Int, CaseIterable, Sendable {
    /// Every ten seconds.
    case samples = 10
    /// Every minute.
    case minutes = 60
    /// Every hour.
    case hours = 3600

    /// The next level with less detail.
    package var coarser: HistoryLevel? {
        switch self {
        case .samples: .minutes
        case .minutes: .hours
        case .hours: nil
        }
    }

    /// Start of the bucket that a time belongs to, seconds since 1970.
    package func start(_ time: Int) -> Int { time - time % rawValue }
}

/// Times that are believed. A clock that was never set shows 1970, and what it wrote would lie in the wrong place forever.
package enum BelievedTime {
    /// 2020 to 2100, seconds since 1970.
    private static let range = 1_577_836_800.0..<4_102_444_800.0

    package static func contains(_ time: Double) -> Bool { range.contains(time) }

    /// The second of a time that somebody asked for.
    package static func clamped(_ time: Double) -> Int { time.isNaN ? 0 : Int(min(max(time, 0), range.upperBound)) }
}

/// The buckets of a plot: their length is a multiple of a level's, so that each is made of equally many rows.
public struct PlotRange: Hashable, Sendable {
    /// The largest number of points that can be asked for.
    public static let mostPoints = 2_000

    /// The level that is read.
    public let level: HistoryLevel
    /// Length of a bucket, seconds.
    public let step: Int
    /// Start of the first bucket, seconds since 1970.
    public let start: Int
    /// Number of buckets.
    public let count: Int

    /// The buckets for a time: the points asked for at most, and one that begins before it.
    ///
    /// - Parameters:
    ///   - from: seconds since 1970.
    ///   - to: seconds since 1970; a time before `from` gives one bucket.
    ///   - points: 1 to ``mostPoints``; others are brought into the range.
    public init(from: Double, to: Double, points: Int) {
        let (from, to) = (BelievedTime.clamped(from), BelievedTime.clamped(to))
        let points = min(max(points, 1), Self.mostPoints)
        let least = max(1, (max(0, to - from) + points - 1) / points)
        let level: HistoryLevel =
            least > HistoryLevel.hours.rawValue - HistoryLevel.minutes.rawValue
            ? .hours : least > HistoryLevel.minutes.rawValue - HistoryLevel.samples.rawValue ? .minutes : .samples
        self.level = level
        step = (least + level.rawValue - 1) / level.rawValue * level.rawValue
        start = from - from % step
        count = max(1, (to - start + step - 1) / step)
    }

    /// The second of a time that somebody asked for, whatever number it is.
    package static func second(_ time: Double) -> Int { BelievedTime.clamped(time) }

    /// The first second after the last bucket.
    package var end: Int { start + count * step }
}
