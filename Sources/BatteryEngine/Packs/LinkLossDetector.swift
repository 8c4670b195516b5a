import BMSCore

/// Detects that the link was lost or found, with the cause as far as the bytes show it.
struct LinkLossDetector: Hashable, Sendable {
    private var startedAt: Timestamp?
    /// Time of the last good frame.
    private var heardAt: Timestamp?
    /// Counters as of then.
    private var before = LinkCounters()
    /// State of the link as of the last event; `nil`: there was none yet.
    private var isLost: Bool?

    /// Returns an event when the link is lost or found. A source that never gave a frame is lost after the same time as one that stopped.
    mutating func step(_ report: BatteryReport) -> BatteryEvent? {
        let started = startedAt ?? report.now
        startedAt = started
        let counters = report.link.counters
        // Not while it is live: that lasts as long as the silence of which the sentence speaks. Frames that repeat put the last sign of
        // life back to the first of them: that is no frame that came.
        if let linkAt = report.link.newestAt, heardAt.map({ linkAt > $0 }) ?? true {
            heardAt = linkAt
            before = counters
        }
        if report.freshness.isLive {
            guard isLost != false else { return nil }
            isLost = false
            return BatteryEvent(
                "linkFound", .info, report.bank == nil ? "good frames come from the BMS" : "the packs are heard")
        }
        let silence = report.now - (report.link.newestAt ?? started)
        guard isLost != true, silence > report.battery.freshness.stale else { return nil }
        isLost = true
        return BatteryEvent("linkLost", .warning, sentence(seconds: silence / 1000, report))
    }

    private func sentence(seconds: Int64, _ report: BatteryReport) -> String {
        if report.bank != nil {
            return "none of its packs was heard for \(seconds) s, "
                + "charging is stopped, discharging reduced and stopped later"
        }
        let cause = cause(report.link.counters)
        let effect =
            report.limits == nil
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
