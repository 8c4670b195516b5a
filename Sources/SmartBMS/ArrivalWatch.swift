import BMSCore

/// Tells frames that arrive as the BMS sends them, one a second, from frames that something has held back on their way: a serial
/// server, a network, or a program that was frozen.
///
/// A frame carries no time, but a BMS sends 58 bytes in each second: what has not come is either lost or still on its way. As long as nothing
/// shows which, what comes is taken to be as old as what is missing. Two things show that nothing is on its way: frames that keep to the beat
/// of a clock, with or without some that are lost between them; and half a minute in which as much has come as was sent. A delay that never
/// changes cannot be seen, and neither can what is handed over on the beat itself.
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
    /// Clocks and reads are not exact: milliseconds by which a gap may be longer than `hold`, and in which the rest of a burst follows.
    private static let leeway: Int64 = 500
    /// Frames that may come at once beyond those that are missing; a server that hands out what it stored sends more.
    private static let surplus: Int64 = 10
    /// The first frame of all is confirmed by a read of up to three that comes no sooner than this for each of them, in milliseconds: nothing
    /// says yet that anything is held back.
    private static let (bundle, closest): (Int, Int64) = (3, 100)

    private let times: FreshnessTimes
    private var lastAt: Timestamp?
    /// The read before came alone after a long gap, as far as one can tell before the next comes.
    private var endedGap = false
    /// Milliseconds of frames that are missing; `nil`: nothing is known of them.
    private var missing: Int64?
    /// Nothing has been doubted so far.
    private var isUnsuspected = true
    private var beat = Beat()
    private var balance = Balance()

    init(_ times: FreshnessTimes) { self.times = times }

    /// Judges the frames that one read has made whole.
    ///
    /// - Parameters:
    ///   - count: their number, at least 1, whether their content is plausible or not.
    ///   - bytes: all that came since the read before, damaged ones too.
    ///   - now: when they came.
    mutating func judge(_ count: Int, bytes: Int, at now: Timestamp) -> Verdict {
        let gap = lastAt.map { now - $0 }
        lastAt = now
        guard let gap else {
            beat.start(at: now)
            return count == 1 ? .unconfirmed : doubt(count, at: now)
        }
        // The oldest of what is held back comes first: in a burst after a gap nothing tells how much is to come.
        let longest = times.hold + Self.leeway
        let isBurst = gap > longest ? count > 1 : endedGap && gap < Self.leeway
        endedGap = gap > longest
        guard (0...times.stale).contains(gap), !isBurst else { return doubt(count, at: now) }
        let whole = Int64(count) * Self.interval
        // Damaged bytes have come in this gap; they make up for nothing that is missing from before.
        let received = max(whole, min(gap, Int64(bytes) * Self.interval / Int64(FrameLayout.length)))
        let isOnBeat = beat.hears(count, isLong: gap > longest, isLoss: received < gap - Self.interval / 2, at: now)
        let isBalanced = balance.take(received, at: now)
        if beat.isProven || isBalanced {
            missing = 0
            return .counts(age: 0)
        }
        guard let before = missing else {
            if isUnsuspected, count <= Self.bundle, gap >= Int64(count) * Self.closest, gap <= longest {
                missing = 0
                return .counts(age: 0)
            }
            isUnsuspected = false
            return isOnBeat ? .unconfirmed : .heldBack
        }
        guard whole <= gap + before + Self.surplus * Self.interval else { return doubt(count, at: now) }
        let age = max(0, before + gap - received)
        guard age <= times.stale else { return doubt(count, at: now) }
        missing = age
        return .counts(age: age)
    }

    private mutating func doubt(_ count: Int, at now: Timestamp) -> Verdict {
        (missing, isUnsuspected, endedGap, balance) = (nil, false, false, Balance())
        beat.start(at: now)
        return count == 1 ? .unconfirmed : .heldBack
    }

    /// Frames that keep to the seconds of one clock.
    private struct Beat: Hashable, Sendable {
        /// Milliseconds by which one may be early or late.
        private static let jitter: Int64 = 150
        /// Milliseconds by which each may move the beat: clocks of BMS and machine differ.
        private static let drift: Int64 = 20
        /// So many in a row do not come about by chance: a read at any time is on the beat in three cases of ten.
        private static let enough = 5
        /// Seconds that may pass between two frames of which others were lost.
        private static let mostLost: Int64 = 5
        /// Points for a lost frame, points that a frame takes off, and the points from which on a line loses many, with their most.
        private static let (loss, arrival, many, most) = (8, 1, 16, 64)

        private var at = Timestamp(milliseconds: 0)
        private var count = 0
        private var losses = 0

        var isProven: Bool { count >= Self.enough }

        mutating func start(at now: Timestamp) { (at, count, losses) = (now, 0, 0) }

        /// Frames that are off the beat start another.
        ///
        /// - Parameters:
        ///   - isLong: after a gap in which something may as well have been held back. It ends a proof, unless the line loses many.
        ///   - isLoss: less came than was sent.
        /// - Returns: these frames may have been sent in the seconds since the ones before.
        mutating func hears(_ frames: Int, isLong: Bool, isLoss: Bool, at now: Timestamp) -> Bool {
            let elapsed = now - at
            let beats = (elapsed + interval / 2) / interval
            let late = elapsed - beats * interval
            let losesMany = losses >= Self.many
            guard beats >= frames, abs(late) <= Self.jitter, beats <= Self.mostLost else {
                start(at: now)
                return false
            }
            at = at + (beats * interval + min(max(late, -Self.drift), Self.drift))
            count = isLong && isProven && !losesMany ? 0 : count + 1
            if !isLoss {
                losses = max(0, losses - Self.arrival)
            } else if !isLong {
                losses = min(Self.most, losses + Self.loss)
            }
            return true
        }
    }

    /// Balance of what came and what was sent in the same time: a server keeps it that hands on in bundles of any size.
    private struct Balance: Hashable, Sendable {
        private static let span: Int64 = 30_000
        /// Milliseconds by which it may swing, and by which it may have changed in the end.
        private static let (swing, change): (Int64, Int64) = (3_500, 600)

        private var since: Timestamp?
        private var received: Int64 = 0
        private var range: ClosedRange<Int64> = 0...0

        /// - Returns: for the whole of a span as much has come as was sent.
        mutating func take(_ milliseconds: Int64, at now: Timestamp) -> Bool {
            guard let since else {
                self = Balance(at: now)
                return false
            }
            received += milliseconds
            let lack = now - since - received
            range = min(range.lowerBound, lack)...max(range.upperBound, lack)
            let isSteady = range.upperBound - range.lowerBound <= Self.swing
            guard isSteady, now - since < Self.span else {
                self = Balance(at: now)
                return isSteady && abs(lack) <= Self.change
            }
            return false
        }

        init() {}

        private init(at now: Timestamp) { since = now }
    }
}
