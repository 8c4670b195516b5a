/// Days and months as people at this place count them.
public struct LocalDays: Sendable {
    private let offset: @Sendable (Int) -> Int

    /// Days of a time zone.
    ///
    /// - Parameter offset: seconds that local time is ahead of UTC at a time in seconds since 1970.
    public init(offset: @escaping @Sendable (Int) -> Int) { self.offset = offset }

    /// Days of UTC.
    public static let utc = LocalDays { _ in 0 }

    /// Number of the local day, counted from 1970-01-01.
    package func day(_ time: Int) -> Int { Self.floor(time + offset(time), 86_400) }

    /// Start of a local day, seconds since 1970. Where summer time begins at midnight, that is 1:00.
    package func start(_ day: Int) -> Int {
        let guess = day * 86_400 - offset(day * 86_400)
        let start = day * 86_400 - offset(guess)
        return self.day(start) < day ? guess : start
    }

    /// A day as "2026-05-01".
    package static func text(_ day: Int) -> String {
        let (year, month, day) = date(day)
        func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
        return "\(year)-\(two(month))-\(two(day))"
    }

    /// Number of the first day of the month that a day belongs to.
    package static func firstOfMonth(_ day: Int) -> Int { day - date(day).day + 1 }

    /// The date of a day. Years are counted from March, so that the leap day is the last.
    static func date(_ day: Int) -> (year: Int, month: Int, day: Int) {
        let shifted = day + 719_468
        let era = floor(shifted, 146_097)
        let dayOfEra = shifted - era * 146_097
        let year = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * year + year / 4 - year / 100)
        let month = (5 * dayOfYear + 2) / 153
        let isNextYear = month >= 10
        return (
            era * 400 + year + (isNextYear ? 1 : 0), isNextYear ? month - 9 : month + 3,
            dayOfYear - (153 * month + 2) / 5 + 1
        )
    }

    private static func floor(_ number: Int, _ divisor: Int) -> Int {
        number >= 0 ? number / divisor : -((-number + divisor - 1) / divisor)
    }
}
