/// The whole way from bytes to ``PackSnapshot``: stream, rules, gate and votes behind one call.
public struct PackReceiver: Sendable {
    private var stream: FrameStream
    private var tracker: PackTracker
    private var damagedAt: Timestamp?

    /// A receiver that has seen no byte.
    ///
    /// - Parameter memory: knowledge of an earlier one; `nil`: nothing.
    public init(
        rules: FrameRules = FrameRules(), options: PackTracker.Options = PackTracker.Options(),
        memory: PackTracker.Memory? = nil
    ) {
        stream = FrameStream(rules: rules)
        tracker = PackTracker(options, memory: memory)
    }

    /// Knowledge as of now, with the counters of every stage.
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
    /// - Returns: what became of each frame in them whose signs and sum are right, oldest first.
    public mutating func receive(_ bytes: [UInt8], at now: Timestamp) -> [PackTracker.Outcome] {
        let damagedBefore = stream.damagedBytes
        stream.push(bytes)
        var outcomes: [PackTracker.Outcome] = []
        while let window = stream.next() { outcomes.append(track(window, at: now)) }
        if stream.damagedBytes != damagedBefore { damagedAt = now }
        return outcomes
    }

    /// Takes bytes that claim to be one whole frame, as a line of a filter does.
    ///
    /// - Returns: `nil` where their number, their signs or their sum is wrong: they count as no frame.
    @discardableResult
    public mutating func receiveFrame(_ bytes: [UInt8], at now: Timestamp) -> PackTracker.Outcome? {
        guard let window = stream.take(bytes.span) else {
            damagedAt = now
            return nil
        }
        return track(window, at: now)
    }

    private mutating func track(_ window: Result<Frame, RejectedFrame>, at now: Timestamp) -> PackTracker.Outcome {
        switch window {
        case .success(let frame):
            let outcome = tracker.take(frame, at: now)
            if case .refused(let rejection) = outcome { stream.refuse(rejection) }
            return outcome
        case .failure(let rejected):
            if let status = rejected.frame?.status { tracker.refuse(status, for: rejected.rejection, at: now) }
            return .refused(rejected.rejection)
        }
    }

    /// The source was closed or opened: a half frame is forgotten, knowledge is not.
    public mutating func reset() { stream.reset() }
}
