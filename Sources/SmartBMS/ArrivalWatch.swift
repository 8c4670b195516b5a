import BMSCore

/// Distinguishes frames that arrive as the BMS sends them, one a second, from frames that something has held back on the way: a serial
/// server, a network, or a program that was frozen.
///
/// A frame carries no time, but a BMS sends 58 bytes in each second: bytes that have not come are either lost or still on the way. As long
/// as nothing shows which, a frame that comes is taken to be as old as the missing bytes. Two things show that nothing is on the way:
/// frames that keep to the beat of a clock, even if some between them are lost; and half a minute in which as much has come as was sent. A
/// delay that never changes cannot be seen, and neither can frames that are handed over on the beat itself.
struct ArrivalWatch: Hashable, Sendable {
    /// Judgement of the frames of one read.
    enum Verdict: Hashable {
        /// The newest frame is this many milliseconds old at most, and each frame before it a second older.
        case counts(age: Int64)
        /// The frames come on the beat, but too few have done so.
        case unconfirmed
        /// Nothing shows when the frames were measured.
        case heldBack
    }

    /// Milliseconds between two frames of a BMS, by its protocol.
    static let interval: Int64 = 1_000
    /// Milliseconds by which a gap may be longer than `hold`, and within which the rest of a burst follows: clocks and reads are not exact.
    private static let leeway: Int64 = 500
    /// Frames that may come at once in addition to the missing ones; a server that hands out stored frames sends more.
    private static let surplus: Int64 = 10
    /// The first frame of all is confirmed by a read of up to `bundle` frames that comes no sooner than `closest` milliseconds for each of
    /// them: nothing suggests yet that anything is held back.
    private static let (bundle, closest): (Int, Int64) = (3, 100)

    private let times: FreshnessTimes
    private var lastAt: Timestamp?
    /// The read before ended a long gap; only the next read shows whether it came alone.
    private var endedGap = false
    /// Milliseconds of frames that are missing; `nil` where nothing is known of missing frames.
    private var missing: Int64?
    /// No frame has been doubted so far.
    private var isUnsuspected = true
    private var beat = Beat()
    private var balance = Balance()

    init(_ times: FreshnessTimes) { self.times = times }

    /// Judges the frames that one read has made whole.
    ///
    /// - Parameters:
    ///   - count: number of the frames, at least 1, whether their content is plausible or not.
    ///   - bytes: number of all bytes that came since the read before, damaged ones too.
    ///   - now: time at which the frames came.
    mutating func judge(_ count: Int, bytes: Int, at now: Timestamp) -> Verdict {
        let gap = lastAt.map { now - $0 }
        lastAt = now
        guard let gap else {
            beat.start(at: now)
            return count == 1 ? .unconfirmed : doubt(count, at: now)
        }
        // The oldest of the frames that are held back comes first: in a burst after a gap nothing shows how many are still to come.
        let longest = times.hold + Self.leeway
        let isBurst = gap > longest ? count > 1 : endedGap && gap < Self.leeway
        endedGap = gap > longest
        guard (0...times.stale).contains(gap), !isBurst else { return doubt(count, at: now) }
        let whole = Int64(count) * Self.interval
        // Damaged bytes have come in this gap; they do not make up for frames that are missing from before.
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
        /// Milliseconds by which a frame may be early or late.
        private static let jitter: Int64 = 150
        /// Milliseconds by which each frame may move the beat: clocks of BMS and machine differ.
        private static let drift: Int64 = 20
        /// Number of frames in a row that do not come on the beat by chance: a read at any time is on the beat in three cases of ten.
        private static let enough = 5
        /// Seconds that may pass between two frames when others between them were lost.
        private static let mostLost: Int64 = 5
        /// Points for a lost frame, points that a frame takes off, points from which on a line loses many frames, and the largest number of
        /// points.
        private static let (loss, arrival, many, most) = (8, 1, 16, 64)

        private var at = Timestamp(milliseconds: 0)
        private var count = 0
        private var losses = 0

        var isProven: Bool { count >= Self.enough }

        mutating func start(at now: Timestamp) { (at, count, losses) = (now, 0, 0) }

        /// Takes frames. Frames that are off the beat start another beat.
        ///
        /// - Parameters:
        ///   - isLong: the gap before was so long that something may have been held back. Such a gap ends a proof, unless the line loses
        ///     many frames.
        ///   - isLoss: less came in the gap than was sent.
        /// - Returns: true where these frames may have been sent in the seconds since the frames before.
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

    /// The balance between the frames that came and the frames that were sent in the same time. A server that hands frames on in bundles of
    /// any size keeps it.
    private struct Balance: Hashable, Sendable {
        private static let span: Int64 = 30_000
        /// Milliseconds by which the balance may swing, and by which it may have changed at the end.
        private static let (swing, change): (Int64, Int64) = (3_500, 600)

        private var since: Timestamp?
        private var received: Int64 = 0
        private var range: ClosedRange<Int64> = 0...0

        /// - Returns: true when as much came as was sent, for the whole of a span.
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
