import BMSCore

/// Holds a status bit at its careful value once it has changed to that value too often, until it was good for long enough.
///
/// A permission that comes and goes every few seconds is not a permission: chargers and inverters that follow it wear out, and something is
/// loose. Refused frames make bits fall as well, but only frames that were taken show that a bit is good.
struct FlickerGuard: Hashable, Sendable {
    /// Number of falls within ``window`` that are allowed; a bit that falls more often is held.
    private static let allowedFalls = 5
    /// Milliseconds within which falls are counted.
    private static let window: Int64 = 600_000
    /// Milliseconds for which a held bit must be good, without a break, before it is released.
    private static let calm: Int64 = 300_000

    /// The history of one bit.
    private struct History: Hashable, Sendable {
        /// The newest falls, oldest first; at most one more than are allowed.
        var falls: [Timestamp] = []
        /// Time of the first good frame since which there was no break.
        var goodSince: Timestamp?
    }

    /// Bits that are held.
    private(set) var held: StatusFlags = []
    /// Bits at their careful value as of the last frame.
    private var careful: StatusFlags = []
    private var histories = [History](repeating: History(), count: 8)
    private var takenAt: Timestamp?
    /// Milliseconds of silence; a longer silence is a break.
    private let patience: Int64

    init(patience: Int64) { self.patience = patience }

    /// Notes the bits that are at their careful value now.
    ///
    /// - Parameter isTaken: true where the frame with these bits was taken, not refused.
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
