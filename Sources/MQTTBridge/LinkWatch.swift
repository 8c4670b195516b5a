import BMSCore

/// Link lost and found, told once each, with what the bytes say about the cause.
struct LinkWatch: Hashable, Sendable {
    private var startedAt: Timestamp?
    /// When the last good frame came.
    private var heardAt: Timestamp?
    /// What was counted, as of then.
    private var before = LinkCounters()
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
        // Not while it is live: that lasts as long as the silence of which the sentence speaks. Frames that repeat put the last sign of
        // life back to the first of them: that is no frame that came.
        if let linkAt = view.snapshot.linkAt, heardAt.map({ linkAt > $0 }) ?? true {
            heardAt = linkAt
            before = counters
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
        let cause = cause(view.snapshot.counters)
        let effect =
            view.limits == nil
            ? "no limits are published" : "charging is stopped, discharging reduced and stopped later"
        return "no good frame from the BMS for \(seconds) s, \(effect); \(cause)"
    }

    /// A sentence about the bytes that came in place of good frames.
    private func cause(_ counters: LinkCounters) -> String {
        let refused = Rejection.allCases.filter { $0 != .signs && $0 != .sum }.map { ($0, counters[$0] - before[$0]) }
        let count = refused.reduce(0) { $0 + $1.1 }
        if count > 0, let most = refused.max(by: { $0.1 < $1.1 })?.0 {
            let remedy =
                most == .heldBack
                ? "; a BMS sends one a second, so look at what stands between: a serial server or a network that keeps bytes back, or "
                    + "a simulator with --speed"
                : most.configurationKey.map { "; if the BMS is right, loosen \($0) of this pack" } ?? ""
            return "\(count) frames with a right sum came and were refused: \(most.meaning)\(remedy)"
        }
        let dropped = counters.bytesDropped - before.bytesDropped
        if dropped > 0 {
            return
                "\(dropped) bytes came that are no frame: noise on the cable, another device, or a serial server that is not set to "
                + "9600 baud, 8N1, raw"
        }
        return "no bytes come: check that the cable is plugged in and the BMS is on"
    }
}
