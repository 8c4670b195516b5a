import BMSCore

/// Position of one relay: opens at once, closes after its shortest time open and two of three frames that want it.
struct RelaySwitch: Hashable, Sendable {
    /// Shortest time open, ms. A second at least, so that a flood of frames cannot make the relay chatter.
    private let dwell: Int64
    /// Time for which a relay that is held over a restart waits for the first frames, ms.
    private let patience: Int64
    /// `nil`: not decided yet, and so nothing is commanded.
    private(set) var isClosed: Bool?
    /// Why it stands, or waits, as it does.
    private(set) var reason = "starting"
    /// Wall time of the last change, ms since 1970.
    private(set) var since: Int64?
    private var startedAt: Timestamp?
    private var openedAt: Timestamp?
    private var votes: [Bool] = []

    init(_ options: RelayOptions, patience: Int64) {
        dwell = max(1_000, options.dwell)
        self.patience = patience
        // What stays as it is over the end of the bridge stays so over its start.
        isClosed = options.onExit == .hold ? nil : false
    }

    /// - Parameter hasFrame: a good frame came with this step; only frames vote for closing.
    /// - Returns: the position changed.
    mutating func step(_ demand: RelayDemand, hasFrame: Bool, at now: Moment) -> Bool {
        let started = startedAt ?? now.monotonic
        if startedAt == nil {
            startedAt = started
            if isClosed == false { openedAt = started }
        }
        if hasFrame { vote(demand) }
        switch demand {
        case .stay(let reason):
            self.reason = reason
            return false
        case .unknown(let reason):
            guard isClosed != nil || now.monotonic - started >= patience else {
                self.reason = reason
                return false
            }
            return open(reason, now)
        case .open(let reason): return open(reason, now)
        case .close(let reason):
            guard isClosed != true else {
                self.reason = reason
                return false
            }
            guard votes.last == true, votes.filter({ $0 }).count >= 2 else {
                self.reason = "waits for a second frame: \(reason)"
                return false
            }
            if let openedAt, now.monotonic - openedAt < dwell {
                self.reason = "waits until it was open for \(dwell / 1000) s: \(reason)"
                return false
            }
            self.reason = reason
            return move(to: true, now)
        }
    }

    private mutating func vote(_ demand: RelayDemand) {
        if case .close = demand { votes.append(true) } else { votes.append(false) }
        if votes.count > 3 { votes.removeFirst() }
    }

    private mutating func open(_ reason: String, _ now: Moment) -> Bool {
        self.reason = reason
        guard isClosed != false else { return false }
        openedAt = now.monotonic
        return move(to: false, now)
    }

    private mutating func move(to isClosed: Bool, _ now: Moment) -> Bool {
        self.isClosed = isClosed
        since = now.wall
        return true
    }
}
