/// Turns the readings of a counter into energies.
///
/// A counter of today begins anew each night, a counter of a lifetime with a new BMS, and both may be silent for a while. What flowed
/// between a counter's last reading and its reset is lost; nothing is counted twice.
package struct EnergyCounter: Hashable, Sendable {
    /// Watts that no battery reaches: a counter that rises faster has jumped.
    private static let mostWatts = 1_000_000.0
    /// Seconds that are always granted: a counter in whole kWh rises in steps.
    private static let grace = 60.0

    /// The last reading, Wh, and its time, seconds since 1970.
    package var last: Int
    package var time: Double

    package init(last: Int, time: Double) {
        self.last = last
        self.time = time
    }

    /// The energy since the last reading, Wh. It belongs to the time of this reading, also after a gap: nobody knows when it flowed.
    static func energy(_ counter: inout EnergyCounter?, reading: Double?, at time: Double) -> Int {
        guard let whole = Step.thousandths.whole(reading), whole >= 0 else { return 0 }
        defer { counter = EnergyCounter(last: whole, time: time) }
        guard let before = counter else { return 0 }
        // No counter of ours: a damaged file.
        guard before.last >= 0 else { return 0 }
        // Half of what it was: a reset. Less of a fall is a correction, which is no energy.
        let energy = whole >= before.last ? whole - before.last : whole <= before.last / 2 ? whole : 0
        let most = mostWatts * (max(0, time - before.time) + grace) / 3600
        return Double(energy) <= most ? energy : 0
    }
}
