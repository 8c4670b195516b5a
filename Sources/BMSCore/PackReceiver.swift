/// The whole way from bytes to ``PackSnapshot``: stream, rules, gate and votes behind one call.
public struct PackReceiver: Sendable {
    private var stream: FrameStream
    private var tracker: PackTracker
    private var damagedAt: Timestamp?

    /// A receiver that knows nothing yet.
    public init(rules: FrameRules = FrameRules(), options: PackTracker.Options = PackTracker.Options()) {
        stream = FrameStream(rules: rules)
        tracker = PackTracker(options)
    }

    /// What is known now, with the counters of every stage.
    public var snapshot: PackSnapshot {
        var snapshot = tracker.snapshot
        snapshot.counters = counters
        snapshot.damagedAt = damagedAt
        return snapshot
    }

    /// Counters of all stages together. A frame that the gate refuses counts as rejected, not as accepted.
    public var counters: LinkCounters { stream.counters }

    /// The last frame that looked like one and was refused for its content.
    public var lastRejected: RejectedFrame? { stream.lastRejected }

    /// Takes bytes as they were read.
    ///
    /// - Returns: what became of each frame in them, oldest first.
    public mutating func receive(_ bytes: [UInt8], at now: Timestamp) -> [PackTracker.Outcome] {
        let damagedBefore = stream.damagedBytes
        stream.push(bytes)
        var outcomes: [PackTracker.Outcome] = []
        while let window = stream.next() {
            if case .success(let frame) = window { outcomes.append(track(frame, at: now)) }
        }
        if stream.damagedBytes != damagedBefore { damagedAt = now }
        return outcomes
    }

    /// Takes bytes that claim to be one whole frame, as a line of a filter does; anything else counts as no frame.
    @discardableResult
    public mutating func receiveFrame(_ bytes: [UInt8], at now: Timestamp) -> PackTracker.Outcome? {
        guard case .success(let frame)? = stream.take(bytes.span) else {
            damagedAt = now
            return nil
        }
        return track(frame, at: now)
    }

    private mutating func track(_ frame: Frame, at now: Timestamp) -> PackTracker.Outcome {
        let outcome = tracker.take(frame, at: now)
        if case .refused(let rejection) = outcome { stream.refuse(rejection) }
        return outcome
    }

    /// The source was closed or opened: a half frame is forgotten, knowledge is not.
    public mutating func reset() { stream.reset() }
}
