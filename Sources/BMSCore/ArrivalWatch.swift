/// Tells frames that arrive as the BMS sends them, one a second, from frames that something has held back on their way: a serial
/// server, a network, or a program that was frozen.
///
/// A frame carries no time. After a gap the oldest of what was held back comes first, so what comes then is not believed
/// until it comes at the pace of a BMS. A delay that never changes cannot be seen.
struct ArrivalWatch: Hashable, Sendable {
    /// Worth of the frames of one read.
    enum Verdict {
        /// They come at the pace of a BMS.
        case counts
        /// One frame after a long silence: the next must come at its pace.
        case unconfirmed
        /// A burst after a gap: nothing in it tells when it was measured.
        case heldBack
    }

    /// Milliseconds between two frames of a BMS, by its protocol.
    static let interval: Int64 = 1_000
    /// Frames that are closer than this on average, in milliseconds, did not come as they were sent.
    private static let closest: Int64 = 500

    private let times: FreshnessTimes
    private var lastAt: Timestamp?
    private var isDoubted = true

    init(_ times: FreshnessTimes) { self.times = times }

    /// Judges the frames that one read has made whole.
    ///
    /// - Parameters:
    ///   - count: their number, at least 1, whether their content is plausible or not.
    ///   - now: when they came.
    mutating func judge(_ count: Int, at now: Timestamp) -> Verdict {
        let gap = lastAt.map { now - $0 }
        lastAt = now
        guard let gap, (0...times.stale).contains(gap) else {
            isDoubted = true
            return count == 1 ? .unconfirmed : .heldBack
        }
        if gap > times.hold {
            isDoubted = true
            return count == 1 ? .counts : .heldBack
        }
        guard isDoubted else { return .counts }
        isDoubted = Int64(count) * Self.closest > gap
        return isDoubted ? .heldBack : .counts
    }
}
