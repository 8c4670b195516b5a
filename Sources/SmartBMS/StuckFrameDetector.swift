import BMSCore

/// Notices a sender that repeats one frame forever.
///
/// A living BMS changes at least the cell or the key that a frame carries with every frame, and after 20 s it has gone
/// through all 19 keys. Bytes that stay equal for longer come from a gateway or a line that hangs, and say nothing of the
/// pack any more.
struct StuckFrameDetector: Hashable, Sendable {
    private var frame: Frame?
    private var since = Timestamp(milliseconds: 0)
    private var lastAt = Timestamp(milliseconds: 0)

    /// Time of the first of these equal frames, if it is too long ago; `nil` when the frame counts.
    ///
    /// After a silence that made the pack stale the count begins again: permission must be earned again then, too.
    mutating func stuck(_ frame: Frame, at now: Timestamp, _ options: SnapshotBuilder.Options) -> Timestamp? {
        guard let longest = options.confirmation.stuck else { return nil }
        if frame != self.frame || now - lastAt > options.freshness.stale { since = now }
        self.frame = frame
        lastAt = now
        return now - since > longest ? since : nil
    }
}
