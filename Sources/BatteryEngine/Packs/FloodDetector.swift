import BMSCore

/// Detects that more frames come than a BMS sends.
struct FloodDetector: Hashable, Sendable {
    private static let window: Int64 = 10_000
    /// Frames a second above which somebody should check the source.
    private static let most = 10

    private var startedAt: Timestamp?
    private var count = 0
    private var isReported = false

    /// Returns a sentence when the rate has become impossible, once until it is possible for a window.
    ///
    /// - Parameter frames: frames whose signs and sum are right, since the last call.
    mutating func record(_ frames: Int, at now: Timestamp) -> String? {
        count += frames
        let began = startedAt ?? now
        startedAt = began
        guard now - began >= Self.window else { return nil }
        let rate = Int64(count) * 1000 / (now - began)
        (startedAt, count) = (now, 0)
        let isTooMany = rate > Self.most
        defer { isReported = isTooMany }
        guard isTooMany, !isReported else { return nil }
        return
            "\(rate) frames a second come, and a BMS sends one: check what is connected to this source. Limits fall at once all the "
            + "same; everything else is told when there is room, and a pack that is offline stays so until one or two come a second"
    }
}
