public import BMSCore

/// The BMS's energy counters as a recorder may see them: they never fall but for a true reset, and one frame that was damaged and
/// passed every check moves nothing.
///
/// A step up is taken as far as two frames in a row have it. A step up of more than a second can bring, and any step down, is taken
/// when five frames agree on it: a counter that was reset in the app, or at midnight, shows five seconds late.
public struct EnergyTotals: Hashable, Sendable {
    private static let confirmation = 5
    /// The lifetime counters' unit; a second at 1000 V and 2000 A is 556 Wh.
    private static let largestStep = WattHours(1_000)

    private struct Counter: Hashable {
        var value: WattHours?
        private var last = WattHours.zero
        private var candidate: WattHours?
        private var frames = 0

        mutating func note(_ new: WattHours) {
            defer { last = new }
            guard let old = value else {
                value = new
                return
            }
            if new >= old && new - old <= EnergyTotals.largestStep {
                value = max(old, min(new, last))
                (candidate, frames) = (nil, 0)
                return
            }
            // The candidate may count on while it is confirmed.
            let agrees = candidate.map { new >= $0 && new - $0 <= EnergyTotals.largestStep } ?? false
            frames = agrees ? frames + 1 : 1
            candidate = new
            guard frames >= EnergyTotals.confirmation else { return }
            value = new
            (candidate, frames) = (nil, 0)
        }
    }

    private var counters = [Counter](repeating: Counter(), count: 4)

    /// Charged today; `nil` before the first frame.
    public var inToday: WattHours? { counters[0].value }
    /// Discharged today.
    public var outToday: WattHours? { counters[1].value }
    /// Charged since the BMS counts.
    public var inAll: WattHours? { counters[2].value }
    /// Discharged since the BMS counts.
    public var outAll: WattHours? { counters[3].value }

    /// Counters of which none is known.
    public init() {}

    /// Totals that are known.
    init(inToday: WattHours, outToday: WattHours, inAll: WattHours, outAll: WattHours) {
        for (index, value) in [inToday, outToday, inAll, outAll].enumerated() { counters[index].value = value }
    }

    /// Records a measurement.
    package mutating func note(_ measured: Measurements) {
        let values = [measured.energyInToday, measured.energyOutToday, measured.lifetimeIn, measured.lifetimeOut]
        for (index, value) in values.enumerated() { counters[index].note(value) }
    }
}
