public import BatteryEngine
import BMSCore
public import ChargeLimits
import SmartBMS

/// The limits of one pack without a broker: a line of time and frame in, a line of limits out (`bms-mqtt limits`).
public struct LimitFilter: Sendable {
    private var decoder: PackDecoder
    private var calculator: LimitCalculator
    private var document = LimitsDocument()
    private let kept: KeptMemory

    /// A filter that has seen no frame.
    ///
    /// - Parameters:
    ///   - memory: what an earlier one knew; `nil`: nothing.
    ///   - milliseconds: the moment to which it refers.
    public init(_ options: PackOptions, memory: LimitMemory? = nil, atMilliseconds milliseconds: Int64 = 0) {
        let now = Timestamp(milliseconds: milliseconds)
        kept = KeptMemory(memory, at: now)
        var decoding = options.decoding
        // Lines are made by hand or by programs: one frame at many times is a question here, no hanging sender.
        decoding.confirmation.stuck = nil
        decoder = PackDecoder(rules: options.rules, options: decoding, memory: memory?.ofDecoder)
        calculator = LimitCalculator(options.limits, memory: memory, at: now)
    }

    /// Latches that are set.
    public var latches: Set<LimitMemory.Latch> { calculator.latches }

    /// State that should survive a restart.
    public func state(atMilliseconds milliseconds: Int64) -> PackState {
        PackState(memory: kept.memory(of: calculator, at: Timestamp(milliseconds: milliseconds)))
    }

    /// One step.
    ///
    /// - Parameters:
    ///   - frame: 58 bytes, or `nil` when none came. Anything that is no good frame counts as none.
    ///   - milliseconds: time of the step, by a clock that does not jump.
    ///   - shown: the time as the answer names it.
    /// - Returns: one JSON object, without a line break.
    public mutating func step(frame: [UInt8]?, atMilliseconds milliseconds: Int64, shownAs shown: Int64? = nil)
        -> [UInt8]
    {
        let now = Timestamp(milliseconds: milliseconds)
        if let frame { decoder.receiveFrame(frame, at: now) }
        let limits = calculator.step(decoder.snapshot, at: now)
        let shown = shown ?? milliseconds
        let isWhole = shown % 1000 == 0
        let time = MetricValue.decimal(thousandths: Int(shown), decimals: isWhole ? 0 : 3)
        return document.bytes(limits, step: time)
    }
}
