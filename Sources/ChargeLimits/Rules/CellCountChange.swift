import BMSCore

/// Another number of cells is another pack: everything that was learned of the old pack is dropped, and charging waits a minute at a safe
/// voltage, so that a mistake in the vendor's app shows before it costs anything.
///
/// Example: 16 cells become 15: CCL 0 and CVL 15 x 3.30 V for 60 s.
struct CellCountChange: LimitRule {
    private static let seconds = 60.0

    private var old = 0
    private var secondsLeft = 0.0

    mutating func bounds(_ input: LimitInput, after earlier: [Bound]) -> [Bound] {
        secondsLeft = max(0, secondsLeft - input.elapsed)
        if let before = input.cellsBefore {
            old = before
            secondsLeft = Self.seconds
        }
        guard secondsLeft > 0 else { return [] }
        let cause = Cause.cellsChanged(from: old, to: input.cells)
        return [
            .ccl(.zero, .cellCount, cause), .cvl(input.packVoltage(belowBalance: .safe), .cellCount, cause),
        ]
    }

    func remember(in memory: inout LimitMemory) {
        guard secondsLeft > 0 else { return }
        memory.latches.insert(.cellCount)
        memory.recent?.numbers[.cellsBefore] = Double(old)
        memory.recent?.numbers[.cellsSeconds] = secondsLeft
    }

    /// Goes on with the minute where the file has it; a stop of more than ten minutes is long enough to look at the app.
    mutating func recall(_ memory: LimitMemory) {
        guard memory.latches.contains(.cellCount), let before = memory.recent?.numbers[.cellsBefore] else { return }
        old = Int(before)
        secondsLeft = memory.recent?.numbers[.cellsSeconds] ?? Self.seconds
    }
}
