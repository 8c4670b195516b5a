public import HistoryData

/// What is kept.
public struct HistoryOptions: Sendable {
    /// The least that ``mostBytes`` can be.
    public static let leastBytes = 16 << 20

    /// Bytes of the file and its log, at least ``leastBytes``; a file that is larger loses its oldest details.
    public var mostBytes = 1 << 30
    /// Rows of ten seconds of each battery: two days.
    var samples = 2 * 8_640
    /// Rows of a minute: ninety days.
    var minutes = 90 * 1_440
    /// Changes of limits of each battery: a thousand a day for ninety days, or those of years.
    var changes = 90_000
    /// Events of each battery.
    var events = 20_000
    /// Days as people count them.
    public var days: LocalDays = .system

    /// A file of a gigabyte, with days of this machine's time zone.
    public init() {}

    /// Bytes of the file without its log.
    var fileBytes: Int { max(mostBytes, Self.leastBytes) - 2 * HistoryFile.logBytes }
}

/// The condition of the history.
public struct HistoryStatus: Hashable, Sendable {
    /// The reason why nothing can be written now; `nil`: all is well.
    public var failure: HistoryFailure?
    /// Commits that failed since the start.
    public var failures = 0
    /// Commits that were written since the start.
    public var commits = 0
    /// Reports that were lost since the start: of impossible times, of more than 256 batteries, or beyond the memory while nothing could be
    /// written.
    public var dropped = 0
    /// Bytes of the file without its log, after the last commit.
    public var bytes = 0
}
