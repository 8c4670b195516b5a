import BMSCore

/// How much less is permitted than what was sent last.
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
/// A frame that comes half a second after the one before is told of in any case. Of others a rise leaves room for the fall that follows it,
/// so that a fall goes at once; what finds no room is told by a later frame or tick, within two seconds.
struct MessageBudget: Hashable, Sendable {
    /// Share of a step that may go out.
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
    /// Messages of the last second above which a rise waits, a whole step waits, and limits wait by what they say. A step has up to eight.
    private static let (rises, steps, lower, ending) = (2, 10, 14, 18)

    private var frameAt: Timestamp?
    private var sent: [Entry] = []

    /// - Parameter isFrame: bytes came; else time has passed.
    mutating func permits(isFrame: Bool, _ fall: Fall, at now: Timestamp) -> Share {
        let isCalm = isFrame && frameAt.map { !(0..<Self.calm).contains(now - $0) } ?? true
        if isFrame { frameAt = now }
        sent.removeAll { !(0..<Self.window).contains(now - $0.at) }
        let count = sent.reduce(0) { $0 + $1.count }
        if isCalm || count <= (fall > .none ? Self.steps : Self.rises) { return .all }
        return fall > .none && count < (fall == .ending ? Self.ending : Self.lower) ? .limits : .nothing
    }

    /// Messages went out.
    mutating func spend(_ count: Int, at now: Timestamp) {
        if count > 0 { sent.append(Entry(at: now, count: count)) }
    }
}

/// Notices that more frames come than a BMS sends.
struct FramePace: Hashable, Sendable {
    private static let window: Int64 = 10_000
    /// Frames a second above which somebody should look.
    private static let most = 10

    private var startedAt: Timestamp?
    private var count = 0
    private var isTold = false

    /// A sentence when the pace has become impossible; told once until it is possible for a window.
    ///
    /// - Parameter frames: frames whose signs and sum are right, since the last call.
    mutating func note(_ frames: Int, at now: Timestamp) -> String? {
        count += frames
        let began = startedAt ?? now
        startedAt = began
        guard now - began >= Self.window else { return nil }
        let rate = Int64(count) * 1000 / (now - began)
        (startedAt, count) = (now, 0)
        let isTooMany = rate > Self.most
        defer { isTold = isTooMany }
        guard isTooMany, !isTold else { return nil }
        return
            "\(rate) frames a second come, and a BMS sends one: check what is connected to this source. Limits fall at once all the "
            + "same; everything else is told when there is room, and a pack that is offline stays so until one or two come a second"
    }
}
