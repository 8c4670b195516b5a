import BMSCore

/// Another number of cells is another pack: everything that was learned of the old one is dropped, and charging waits a
/// minute at a safe voltage, so that a mistake in the vendor's app shows before it costs anything.
///
/// Example: 16 cells become 15: CCL 0 and CVL 15 x 3.30 V for 60 s.
struct CellCountChange: Constraint {
    private static let seconds = 60.0

    private var old = 0
    private var secondsLeft = 0.0

    mutating func evaluate(_ input: LimitInput, into bounds: inout BoundList) {
        secondsLeft = max(0, secondsLeft - input.elapsed)
        if let before = input.cellsBefore {
            old = before
            secondsLeft = Self.seconds
        }
        guard secondsLeft > 0 else { return }
        let cause = Cause.cellsChanged(from: old, to: input.cells)
        bounds.append(.ccl(.zero, .cellCount, cause))
        bounds.append(.cvl(input.packVoltage(belowBalance: Millivolts(100)), .cellCount, cause))
    }
}
