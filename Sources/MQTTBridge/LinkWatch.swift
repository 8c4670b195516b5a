import BMSCore

/// Link lost and found, told once each, with what the bytes say about the cause.
struct LinkWatch: Hashable, Sendable {
    private var startedAt: Timestamp?
    /// When the last good frame came.
    private var heardAt: Timestamp?
    /// Bytes that made no frame, as of then.
    private var droppedBefore = 0
    /// What was told last; `nil`: nothing yet.
    private var isLost: Bool?

    enum News: Hashable {
        case found(String)
        case lost(String)
    }

    /// What is new about the link. A source that never gave a frame is lost after the same time as one that stopped.
    mutating func step(_ view: PackView) -> News? {
        let started = startedAt ?? view.now
        startedAt = started
        let counters = view.snapshot.counters
        // Not while it is live: that lasts as long as the silence of which the sentence speaks.
        if view.snapshot.linkAt != heardAt {
            heardAt = view.snapshot.linkAt
            droppedBefore = counters.bytesDropped
        }
        if view.freshness.isLive {
            guard isLost != false else { return nil }
            isLost = false
            return .found(view.bank == nil ? "good frames come from the BMS" : "the packs are heard")
        }
        let silence = view.now - (view.snapshot.linkAt ?? started)
        guard isLost != true, silence > view.times.stale else { return nil }
        isLost = true
        return .lost(sentence(seconds: silence / 1000, view))
    }

    private func sentence(seconds: Int64, _ view: PackView) -> String {
        if view.bank != nil {
            return "none of its packs was heard for \(seconds) s, "
                + "charging is stopped, discharging reduced and stopped later"
        }
        let dropped = view.snapshot.counters.bytesDropped - droppedBefore
        let cause =
            dropped > 0
            ? "\(dropped) bytes came that are no frame the bridge may use: noise, a wrong port, or a refused frame"
            : "no bytes come: check that the cable is plugged in and the BMS is on"
        let effect =
            view.limits == nil
            ? "no limits are published" : "charging is stopped, discharging reduced and stopped later"
        return "no good frame from the BMS for \(seconds) s, \(effect); \(cause)"
    }
}
