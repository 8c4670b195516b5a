/// Tells frames that arrive as the BMS sends them, one a second, from frames that something has held back on their way: a serial
/// server, a network, or a program that was frozen.
///
/// A frame carries no time, but a BMS sends one in each second: what has not come is either lost or still on its way. As long as nothing
/// shows which, what comes is taken to be as old as what is missing. Where a cable loses frames, the others come on the beat all the same;
/// what was held back does not. A delay that never changes cannot be seen, and neither can what is handed over on that very beat.
struct ArrivalWatch: Hashable, Sendable {
    /// Worth of the frames of one read.
    enum Verdict: Hashable {
        /// The newest is this many milliseconds old at most, and each before it a second older.
        case counts(age: Int64)
        /// They come on the beat, but too few have done so.
        case unconfirmed
        /// Nothing in them tells when they were measured.
        case heldBack
    }

    /// Milliseconds between two frames of a BMS, by its protocol.
    static let interval: Int64 = 1_000
    /// Milliseconds by which a frame on the beat may be early or late.
    private static let jitter: Int64 = 200
    /// Reads in a row on the beat that end a doubt, after the one from which they are counted. At the start one is enough, for
    /// nothing says yet that anything is held back.
    private static let (enough, enoughAtStart) = (2, 1)
    /// Clocks and reads are not exact: milliseconds by which a gap may be longer than `hold`.
    private static let leeway: Int64 = 500
    /// Frames that may come at once beyond those that are missing; a server that hands out what it stored sends more.
    private static let surplus: Int64 = 10

    private let times: FreshnessTimes
    private var lastAt: Timestamp?
    /// Milliseconds of frames that are missing; `nil`: nothing is known of them.
    private var missing: Int64?
    private var paced = 0
    private var needed = enoughAtStart

    init(_ times: FreshnessTimes) { self.times = times }

    /// Judges the frames that one read has made whole.
    ///
    /// - Parameters:
    ///   - count: their number, at least 1, whether their content is plausible or not.
    ///   - now: when they came.
    mutating func judge(_ count: Int, at now: Timestamp) -> Verdict {
        let gap = lastAt.map { now - $0 }
        lastAt = now
        guard let gap else { return count == 1 ? .unconfirmed : .heldBack }
        guard (0...times.stale).contains(gap) else { return doubt(count) }
        let sent = Int64(count) * Self.interval
        // The oldest of what is held back comes first: in a burst after a gap nothing tells how much is to come.
        guard count == 1 || gap <= times.hold + Self.leeway else { return doubt(count) }
        let isOnBeat = isOnBeat(gap, count)
        paced = isOnBeat ? paced + 1 : 0
        if paced >= needed {
            (missing, needed) = (0, Self.enough)
            return .counts(age: 0)
        }
        guard let before = missing else { return isOnBeat ? .unconfirmed : doubt(2) }
        guard sent <= gap + before + Self.surplus * Self.interval else { return doubt(count) }
        let age = max(0, before + gap - sent)
        guard age <= times.stale else { return doubt(count) }
        missing = age
        return .counts(age: age)
    }

    /// A BMS that sends one frame a second may have sent these after that gap.
    private func isOnBeat(_ gap: Int64, _ count: Int) -> Bool {
        let beats = (gap + Self.interval / 2) / Self.interval
        return beats >= count && abs(gap - beats * Self.interval) <= Self.jitter && gap <= times.hold + Self.leeway
    }

    private mutating func doubt(_ count: Int) -> Verdict {
        (missing, paced, needed) = (nil, 0, Self.enough)
        return count == 1 ? .unconfirmed : .heldBack
    }
}
