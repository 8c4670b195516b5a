import BMSCore

/// Holds a status bit at its careful value once it has gone there too often, until it was good for long enough.
///
/// A permission that comes and goes each few seconds is no permission: chargers and inverters that follow it wear out, and
/// something is loose. Refused frames make bits fall as well, but only frames that were taken show that a bit is good.
struct FlickerGuard: Hashable, Sendable {
    /// A bit that falls more often than this ...
    private static let allowedFalls = 5
    /// ... within so many ms is held ...
    private static let window: Int64 = 600_000
    /// ... until it was good for so many ms without a break.
    private static let calm: Int64 = 300_000

    /// How one bit fared.
    private struct History: Hashable, Sendable {
        /// The newest falls, oldest first; one more than are allowed at most.
        var falls: [Timestamp] = []
        /// The first of the good frames without a break since.
        var goodSince: Timestamp?
    }

    /// Bits that are held.
    private(set) var held: StatusFlags = []
    /// Bits at their careful value as of the last frame.
    private var careful: StatusFlags = []
    private var histories = [History](repeating: History(), count: 8)
    private var takenAt: Timestamp?
    /// Longer silences are a break.
    private let patience: Int64

    init(patience: Int64) { self.patience = patience }

    /// Notes which bits stand at their careful value now.
    ///
    /// - Parameter isTaken: the frame that says so was taken, not refused.
    mutating func note(careful new: StatusFlags, isTaken: Bool, at now: Timestamp) {
        if isTaken {
            if let takenAt, !(0...patience).contains(now - takenAt) { forgetCalm() }
            takenAt = now
        }
        for index in histories.indices {
            let bit = StatusFlags(rawValue: 1 << UInt8(index))
            if new.contains(bit) {
                if !careful.contains(bit) { noteFall(index, bit, at: now) }
                histories[index].goodSince = nil
            } else if isTaken {
                let since = histories[index].goodSince ?? now
                histories[index].goodSince = since
                if now - since >= Self.calm { held.remove(bit) }
            }
        }
        careful = new
    }

    private mutating func noteFall(_ index: Int, _ bit: StatusFlags, at now: Timestamp) {
        histories[index].falls.append(now)
        let surplus = histories[index].falls.count - (Self.allowedFalls + 1)
        if surplus > 0 { histories[index].falls.removeFirst(surplus) }
        guard surplus >= 0, let oldest = histories[index].falls.first else { return }
        if (0...Self.window).contains(now - oldest) { held.insert(bit) }
    }

    private mutating func forgetCalm() {
        for index in histories.indices { histories[index].goodSince = nil }
    }
}
