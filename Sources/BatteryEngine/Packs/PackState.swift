package import BMSCore
public import ChargeLimits

/// The part of a pack that survives a restart.
public struct PackState: Hashable, Sendable {
    /// Learned values; `nil`: there are none yet.
    public var memory: LimitMemory?
    /// Settings that somebody changed, by name.
    public var settings: [String: StoredSetting]

    /// Extremes that were seen.
    public var peaks: CellVoltageExtremes
    /// Share of the current of its bank; `nil`: the pack is in none, or nothing was measured.
    public var share: BankShare?

    /// A state.
    public init(
        memory: LimitMemory? = nil, settings: [String: StoredSetting] = [:],
        peaks: CellVoltageExtremes = CellVoltageExtremes(),
        share: BankShare? = nil
    ) {
        self.share = share
        self.peaks = peaks
        self.memory = memory
        self.settings = settings
    }
}

extension PackState {
    /// Milliseconds after which values of the last minutes are written again, so that they do not grow too old to count.
    static let refresh: Int64 = 300_000

    /// A crash would lose something that matters if the state stayed on disk as it was written.
    ///
    /// Latches matter at once; limits, trim and charge state when they have moved, by a tenth of a current, 100 mV of CVL
    /// or 5 mV of the trim; else they are renewed every five minutes while frames come. What else is learned can wait.
    ///
    /// - Parameter milliseconds: time since it was written.
    public func isWorthWriting(after written: PackState, milliseconds: Int64) -> Bool {
        guard let memory else { return false }
        guard let old = written.memory else { return true }
        if memory.latches != old.latches { return true }
        guard let recent = memory.recent, recent.age < LimitMemory.Recent.lifetime / 10 else { return false }
        guard let before = old.recent, milliseconds < Self.refresh else { return true }
        return recent.hasMoved(from: before)
    }
}

extension LimitMemory.Recent {
    fileprivate func hasMoved(from old: Self) -> Bool {
        if state != old.state || stalledSoc != old.stalledSoc { return true }
        if abs((numbers[.trim] ?? 0) - (old.numbers[.trim] ?? 0)) >= 5 { return true }
        for number in [LimitMemory.Number.pause, .floatPause, .restCeiling] {
            if (numbers[number] == nil) != (old.numbers[number] == nil) { return true }
        }
        guard let levels, let before = old.levels else { return (levels == nil) != (old.levels == nil) }
        return LimitKind.allCases.contains { kind in
            let least = kind == .cvl ? 100 : max(1_000, before.value(kind) / 10)
            return abs(levels.value(kind) - before.value(kind)) >= least
        }
    }
}

extension LimitMemory {
    /// Longest stop, seconds, that lets a full charge look older: a clock that was wrong must not make one due.
    private static let longestStop: Int64 = 90 * 86_400

    /// The same memory after a stop.
    ///
    /// Latches stay, however long it was. Values of the last minutes are gone after ten minutes, or where nobody knows how
    /// long the stop was.
    ///
    /// - Parameter milliseconds: length of the stop; `nil`: unknown, for the clock stands before its begin.
    public func aged(by milliseconds: Int64?) -> LimitMemory {
        var memory = self
        if let seconds = secondsSinceFull {
            memory.secondsSinceFull = min(seconds, 1_000_000_000) + min((milliseconds ?? 0) / 1000, Self.longestStop)
        }
        memory.recent = milliseconds.flatMap { stop in
            let left = LimitMemory.Recent.lifetime - (recent?.age ?? .max)
            guard var recent, stop <= left else { return nil }
            recent.age += stop
            return recent
        }
        return memory
    }
}

/// A memory that outlives a stop before the first frame: a calculator knows nothing of a pack that it has not seen yet.
package struct KeptMemory: Sendable {
    private let memory: LimitMemory?
    private let at: Timestamp

    package init(_ memory: LimitMemory?, at now: Timestamp) {
        self.memory = memory
        at = now
    }

    /// Memory that should survive a stop now.
    package func memory(of calculator: LimitCalculator, at now: Timestamp) -> LimitMemory? {
        calculator.memory(at: now) ?? memory?.aged(by: max(0, now - at))
    }
}
