import BMSCore

/// The schedule by which a full pack is charged and balanced once more: after some days in which it hardly discharged, within the owner's
/// hours (while the sun shines, say), or because somebody asks. Users of both peers asked for each of these.
///
/// Example: interval 7 days, hours 10..<16, full last Monday at 14:00: due on the next Monday at 14:00; full at 18:00: due on Tuesday at
/// 10:00.
struct FullChargeSchedule: Sendable {
    private var standardInterval: Int
    /// Interval in days in place of the configuration's.
    var commandedInterval: Int?
    private var hours: Range<Int>?
    private var fullAt: Timestamp?
    private(set) var isRequested = false

    init(_ configuration: LimitConfiguration) {
        standardInterval = configuration.fullChargeInterval
        hours = configuration.balanceHours
    }

    /// Takes another configuration; the time of the last full charge stays.
    mutating func reconfigure(_ configuration: LimitConfiguration) {
        standardInterval = configuration.fullChargeInterval
        hours = configuration.balanceHours
    }

    mutating func request(_ isWanted: Bool) { isRequested = isWanted }

    mutating func wasFull(secondsAgo: Int64, at now: Timestamp) {
        fullAt = now + -1000 * max(0, min(secondsAgo, 1_000_000_000))
        isRequested = false
    }

    func secondsSinceFull(at now: Timestamp) -> Int64? { fullAt.map { max(0, (now - $0) / 1000) } }

    func isDue(at now: Timestamp, hour: Int?) -> Bool {
        if isRequested { return true }
        let interval = commandedInterval ?? standardInterval
        guard interval > 0, let seconds = secondsSinceFull(at: now) else { return false }
        return seconds >= Int64(interval) * 86_400 && isInside(hour)
    }

    private func isInside(_ hour: Int?) -> Bool {
        guard let hours, let hour else { return true }
        return hours.contains(hour) || hours.contains(hour + 24)
    }
}
