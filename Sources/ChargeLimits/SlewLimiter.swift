import BMSCore

/// A value that falls at once and rises slowly, and only when the rise is worth it: a fault lowers limits in the step that brings it, and a
/// flickering cause cannot make a charger saw.
struct SlewLimiter: Sendable {
    /// Grid on which published values lie, rounded down; mV or mA.
    let grid: Int
    /// A rise starts when at least this much, and at least this share of the goal, is due.
    let threshold: Int
    let thresholdPermille: Int

    private var level: Double?
    private var shown: Int?
    private(set) var isRising = false

    static let voltage = SlewLimiter(grid: 10, threshold: 10, thresholdPermille: 0)
    static let current = SlewLimiter(grid: 500, threshold: 1000, thresholdPermille: 50)

    private init(grid: Int, threshold: Int, thresholdPermille: Int) {
        self.grid = grid
        self.threshold = threshold
        self.thresholdPermille = thresholdPermille
    }

    /// The next published value.
    ///
    /// - Parameters:
    ///   - goal: lowest bound, mV or mA.
    ///   - mayRise: `false` unless this step brings a good frame.
    ///   - isFinal: the goal is final (the target voltage), and worth any rise.
    ///   - slew: largest rise per second.
    mutating func step(to goal: Int, mayRise: Bool, isFinal: Bool, slew: Double, elapsed: Double) -> Int {
        let goal = Double(goal)
        guard let old = level else {
            // The first limits have nothing to rise from: an inverter that lived through a restart of the bridge
            // must not be stopped by a ramp from zero.
            level = goal
            return output(goal, most: .max)
        }
        if goal <= old {
            level = goal
            isRising = false
        } else if mayRise {
            if isFinal || isWorthRising(to: goal, from: old) { isRising = true }
            if isRising {
                level = min(goal, old + slew * elapsed)
                if level == goal { isRising = false }
            }
        }
        // The part that the grid cut off is not made up for faster than the slew, nor in a step that may not rise.
        return output(level ?? goal, most: mayRise ? max(grid, Int(slew * elapsed) / grid * grid) : 0)
    }

    /// Goes back at once to a value that was shown a moment ago, where the goal allows it.
    mutating func restore(to value: Int, under goal: Int) {
        let new = min(value, goal)
        if let old = level, Double(new) > old { begin(at: new) }
    }

    /// Begins at the value that an earlier ramp showed.
    mutating func begin(at value: Int) {
        level = Double(value)
        shown = onGrid(value)
    }

    /// The way to a goal is long enough for a rise.
    func isWorthRising(to goal: Double, from value: Double) -> Bool {
        goal - value >= max(Double(threshold), goal * Double(thresholdPermille) / 1000)
    }

    /// A value as it is published, on the grid.
    func onGrid(_ value: Int) -> Int { max(0, value) / grid * grid }

    /// The limit is lower than the grid would put it under a bound.
    func isBelow(_ bound: Int, _ value: Int) -> Bool { bound - value > grid }

    /// Raises the value of a new pack to no less than this.
    mutating func raise(to floor: Int) {
        if let old = level, old < Double(floor) { begin(at: floor) }
    }

    private mutating func output(_ value: Double, most rise: Int) -> Int {
        let target = onGrid(Int(value))
        let result = min(target, shown.map { $0.addingReportingOverflow(rise).partialValue } ?? target)
        shown = result
        return result
    }
}
