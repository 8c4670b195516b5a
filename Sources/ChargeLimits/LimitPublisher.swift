import BMSCore

/// Turns bounds into published limits: each limit is its lowest bound, falls at once and rises by its slew, and has a reason.
///
/// Packs and banks share the publisher.
struct LimitPublisher: Sendable {
    /// Conditions of one step.
    struct Step {
        /// Moment of the step.
        var now: Timestamp
        /// This step brings a good frame.
        var hasFrame: Bool
        /// The line damaged something a short while ago.
        var isDistrusted: Bool
        /// Limits may rise.
        var mayRise: Bool { hasFrame && !isDistrusted }
        /// Seconds that a rise may use.
        var elapsed: Double
        /// Largest rise in a second, mV or mA.
        var slew: PerLimit<Double>
        /// Least charge voltage, mV: below it a charger would empty the pack for no reason.
        var lowest = 0
        /// Highest charge voltage by the owner, mV; it wins over ``lowest``.
        var highest = Int.max
        /// A rise of the charge voltage is always worth going to the end.
        var isVoltageFinal = false
    }

    private var ramps = PerLimit(cvl: SlewLimiter.voltage, ccl: SlewLimiter.current, dcl: SlewLimiter.current)
    private var keepers = PerLimit(cvl: ReasonDebouncer(), ccl: ReasonDebouncer(), dcl: ReasonDebouncer())
    /// Milliseconds for which a fall that one frame brought may be taken back at once.
    private static let interruption: Int64 = 3_500

    /// A fall that one frame brought.
    private struct Interruption: Sendable {
        /// The limit before the fall, mV or mA.
        var value: Int
        var at: Timestamp
    }

    private var steppedAt: Timestamp?
    private var interruptions = PerLimit<Interruption?>(cvl: nil, ccl: nil, dcl: nil)
    /// Limits that were published last; `nil` before the first.
    private(set) var published: Limits.Levels?

    /// Publishes limits that lie under these bounds.
    mutating func publish(_ bounds: [Bound], _ step: Step) -> (Limits.Levels, PerLimit<Limits.Reason>) {
        let lowest = PerLimit(cvl: bounds.lowest(.cvl), ccl: bounds.lowest(.ccl), dcl: bounds.lowest(.dcl))
        // A rule that holds CVL at rest does so because of the bit that forbids charging.
        let isOfOneFrame = bounds.contains { $0.name.isOfOneFrame }
        func value(_ kind: LimitKind) -> Int {
            let goal = lowest[kind]?.value ?? 0
            let isVoltage = kind == .cvl
            takeBack(kind, under: lowest[kind], isOfOneFrame: isOfOneFrame, step)
            return ramps[kind].step(
                to: isVoltage ? min(max(goal, step.lowest), step.highest) : goal, mayRise: step.mayRise,
                isFinal: isVoltage && (step.isVoltageFinal || lowest.cvl?.name == .target), slew: step.slew[kind],
                elapsed: step.elapsed)
        }
        let values = PerLimit(cvl: value(.cvl), ccl: value(.ccl), dcl: value(.dcl))
        func reason(_ kind: LimitKind) -> Limits.Reason {
            let stance = Limits.Reason.Stance(
                values[kind], under: lowest[kind]?.value, ramps[kind], isDistrusted: step.isDistrusted)
            let reason = Limits.Reason(kind, values[kind], under: lowest[kind], stance)
            return keepers[kind].keep(reason, value: values[kind], at: step.now)
        }
        let why = PerLimit(cvl: reason(.cvl), ccl: reason(.ccl), dcl: reason(.dcl))
        let levels = Limits.Levels(
            cvl: Millivolts(values.cvl), ccl: Milliamperes(values.ccl), dcl: Milliamperes(values.dcl))
        published = levels
        steppedAt = step.now
        return (levels, why)
    }

    /// Raises the charge voltage of a new pack to no less than this, mV.
    mutating func raise(to floor: Int) { ramps.cvl.raise(to: floor) }

    /// Takes a fall back. A limit that one frame lowered comes back at once with the frame that says otherwise, not by the slew.
    private mutating func takeBack(
        _ kind: LimitKind, under bound: Bound?, isOfOneFrame: Bool, _ step: Step
    ) {
        guard let bound else { return }
        let isInterrupting = bound.name.isOfOneFrame || (kind == .cvl && isOfOneFrame)
        if isInterrupting {
            // A limit that was not published for a while is not a value to come back to.
            let isRecent = steppedAt.map { (0...Self.interruption).contains(step.now - $0) } ?? false
            if isRecent, interruptions[kind] == nil, let before = published?.value(kind), before > bound.value {
                interruptions[kind] = Interruption(value: before, at: step.now)
            }
            return
        }
        guard let interruption = interruptions[kind], step.hasFrame else { return }
        interruptions[kind] = nil
        guard (0...Self.interruption).contains(step.now - interruption.at) else { return }
        ramps[kind].restore(to: interruption.value, under: bound.value)
    }

    /// Goes on from limits of an earlier publisher.
    mutating func begin(at levels: Limits.Levels) {
        for kind in LimitKind.allCases { ramps[kind].begin(at: levels.value(kind)) }
        published = levels
    }
}
