import BMSCore

/// Bounds what frames can set off: a BMS sends one a second, and a source that floods must not flood the broker.
///
/// Two steps a second for what comes, four at once after a pause, and one more each second (four after a pause) that is kept for
/// limits that fall. What finds no room is told by a later tick, within a second.
struct StepBudget: Hashable, Sendable {
    private static let most = 4.0
    private var steps = most
    private var falls = most
    private var filledAt: Timestamp?

    /// - Parameter isFall: a limit falls, or a permission goes: never later than it must.
    mutating func permits(isFall: Bool, at now: Timestamp) -> Bool {
        let seconds = filledAt.map { Double(max(0, now - $0)) / 1000 } ?? 0
        steps = min(Self.most, steps + 2 * seconds)
        falls = min(Self.most, falls + seconds)
        filledAt = now
        if steps >= 1 {
            steps -= 1
            return true
        }
        guard isFall, falls >= 1 else { return false }
        falls -= 1
        return true
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
            + "same; everything else is looked at twice a second"
    }
}
