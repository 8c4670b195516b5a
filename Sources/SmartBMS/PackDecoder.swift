public import BMSCore

/// The whole way from bytes to ``PackSnapshot``: stream, checks, confirmation and votes behind one call.
public struct PackDecoder: Sendable {
    private var stream: FrameStream
    private var decoding: SnapshotBuilder
    private var damagedAt: Timestamp?
    /// The watch over arrivals; `nil` where the arrival of frames says nothing about their age.
    private var arrivals: ArrivalWatch?
    /// Number of bytes that ``arrivals`` has not judged yet.
    private var bytesUnjudged = 0
    private let longestAge: Int64
    /// Time at which the newest frame that was handed on was measured, as far as its arrival shows.
    private var newestAt: Timestamp?

    /// A receiver that has seen no byte.
    ///
    /// - Parameter memory: knowledge of an earlier receiver; `nil` for none.
    public init(
        rules: FrameValidator = FrameValidator(), options: SnapshotBuilder.Options = SnapshotBuilder.Options(),
        memory: PackMemory? = nil
    ) {
        stream = FrameStream(rules: rules)
        decoding = SnapshotBuilder(options, memory: memory)
        arrivals = options.judgesArrival ? ArrivalWatch(options.freshness) : nil
        longestAge = options.freshness.hold
    }

    /// Knowledge as of now, with the counters of every stage.
    public var snapshot: PackSnapshot {
        var snapshot = decoding.snapshot
        snapshot.counters = counters
        snapshot.damagedAt = damagedAt
        return snapshot
    }

    /// Counters of all stages together. A frame that is not confirmed counts as rejected, not as accepted.
    public var counters: LinkCounters { stream.counters }

    /// The last window that looked like a frame and was refused.
    public var lastRejected: RejectedFrame? { stream.lastRejected }

    /// Takes bytes as they were read.
    ///
    /// A frame is as old as its first byte; of several frames that come together, each is a second older than the next. A frame that is
    /// older than `hold`, or that ``ArrivalWatch`` does not believe, is refused: it may take permissions away and gives none.
    ///
    /// - Parameter age: milliseconds since the bytes came, at least.
    /// - Returns: the outcome of each frame in the bytes whose signs and sum are right, oldest first.
    public mutating func receive(_ bytes: [UInt8], age: Int64 = 0, at now: Timestamp) -> [SnapshotBuilder.Outcome] {
        let damagedBefore = stream.damagedBytes
        let arrival = now + -age
        stream.push(bytes, at: arrival)
        bytesUnjudged += bytes.count
        var windows: [(window: Result<Frame, RejectedFrame>, begin: Timestamp)] = []
        while let window = stream.next() { windows.append((window, stream.begin ?? arrival)) }
        if stream.damagedBytes != damagedBefore { damagedAt = now }
        guard !windows.isEmpty else { return [] }
        let bytes = bytesUnjudged - stream.pending
        bytesUnjudged = stream.pending
        guard let verdict = arrivals?.judge(windows.count, bytes: bytes, at: arrival) else {
            return windows.map { track($0.window, at: now) }
        }
        return windows.enumerated().map { index, item in
            let later = Int64(windows.count - 1 - index)
            let begun = min(item.begin, arrival + -later * ArrivalWatch.interval)
            guard verdict != .heldBack, now - begun <= longestAge else { return holdBack(item.window, at: now) }
            var measured = begun
            if case .counts(let age) = verdict { measured = begun + -age }
            // Frames come in their order; a moment in the future proves that the clock jumped back.
            if let newestAt, newestAt <= arrival { measured = max(measured, newestAt) }
            newestAt = measured
            return track(item.window, at: measured, isConfirmed: verdict != .unconfirmed)
        }
    }

    /// Refuses a frame of unknown age.
    private mutating func holdBack(_ window: Result<Frame, RejectedFrame>, at now: Timestamp) -> SnapshotBuilder.Outcome
    {
        guard case .success(let frame) = window else { return track(window, at: now) }
        decoding.refuse(frame.status, for: .heldBack, at: now)
        stream.refuse(.heldBack)
        return .refused(.heldBack)
    }

    /// Takes bytes that claim to be one whole frame, as a line of a filter does.
    ///
    /// - Returns: the outcome; `nil` where the number of bytes, the signs or the sum are wrong, so that the bytes count as no frame.
    @discardableResult
    public mutating func receiveFrame(_ bytes: [UInt8], at now: Timestamp) -> SnapshotBuilder.Outcome? {
        guard let window = stream.take(bytes.span) else {
            damagedAt = now
            return nil
        }
        return track(window, at: now)
    }

    private mutating func track(
        _ window: Result<Frame, RejectedFrame>, at now: Timestamp, isConfirmed: Bool = true
    ) -> SnapshotBuilder.Outcome {
        switch window {
        case .success(let frame):
            let outcome = decoding.take(frame, isConfirmed: isConfirmed, at: now)
            if case .refused(let rejection) = outcome { stream.refuse(rejection) }
            return outcome
        case .failure(let rejected):
            if let status = rejected.frame?.status { decoding.refuse(status, for: rejected.rejection, at: now) }
            return .refused(rejected.rejection)
        }
    }

    /// Forgets a half frame, because the source was closed or opened; knowledge stays.
    public mutating func reset() {
        stream.reset()
        bytesUnjudged = 0
    }
}
