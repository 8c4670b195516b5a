import BMSCore

/// Fall from the limits and permissions that were sent last to those of now.
enum Fall: Comparable {
    case none
    /// A limit is lower.
    case lower
    /// A limit is 0, a permission is gone, or an alarm has come.
    case ending
}

/// Bounds the messages that frames can set off, at 20 in any second: a BMS sends one frame a second, and a source that floods must not
/// flood the broker.
///
/// A frame that comes half a second after the one before is published in any case. Of others a rise leaves room for the fall that follows
/// it, so that a fall goes at once; what finds no room is published by a later frame or tick, within two seconds.
struct MessageBudget: Hashable, Sendable {
    /// Share of an update that may go out.
    enum Share {
        case all
        /// The limits alone; the rest when there is room.
        case limits
        case nothing
    }

    private struct Entry: Hashable, Sendable {
        var at: Timestamp
        var count: Int
    }

    private static let window: Int64 = 1_000
    /// Milliseconds between two frames that are no flood.
    private static let calm: Int64 = 500
    /// Most messages in a window.
    private static let most = 20
    /// Messages of the last second above which a rise waits, a whole update waits, and limits wait by their fall. An update has up to eight.
    private static let (rises, updates, lower, ending) = (2, 10, 14, 18)

    private var frameAt: Timestamp?
    private var sent: [Entry] = []

    /// Share that may go out now.
    ///
    /// - Parameter isFrame: bytes came; else time has passed.
    func share(isFrame: Bool, _ fall: Fall, at now: Timestamp) -> Share {
        let count = count(at: now)
        if isFrame && isCalm(at: now) || count <= (fall > .none ? Self.updates : Self.rises) { return .all }
        return fall > .none && count < (fall == .ending ? Self.ending : Self.lower) ? .limits : .nothing
    }

    /// The last frame came long enough ago for one more: this is no flood.
    func isCalm(at now: Timestamp) -> Bool { frameAt.map { !(0..<Self.calm).contains(now - $0) } ?? true }

    /// Messages that may still go out in this window.
    func room(at now: Timestamp) -> Int { max(0, Self.most - count(at: now)) }

    /// Records a frame.
    mutating func recordFrame(at now: Timestamp) { frameAt = now }

    /// Records messages that went out.
    mutating func record(_ count: Int, at now: Timestamp) {
        sent = sent.filter { isRecent($0, now) }
        if count > 0 { sent.append(Entry(at: now, count: count)) }
    }

    private func count(at now: Timestamp) -> Int { sent.reduce(0) { $0 + (isRecent($1, now) ? $1.count : 0) } }

    private func isRecent(_ entry: Entry, _ now: Timestamp) -> Bool { (0..<Self.window).contains(now - entry.at) }
}
