/// Turns the readings of a counter into energies.
///
/// A counter of today begins anew each night, and may be silent for a while. What flowed between its last reading and its reset is lost, but
/// for a long silence: a counter of a lifetime tells it then, in its steps. After a day or more only today's energy counts, because nobody
/// knows on which days the rest flowed. Nothing is counted twice.
package struct EnergyCounter: Hashable, Sendable {
    /// Watts that no battery reaches: a counter that rises faster has jumped.
    private static let mostWatts = 1_000_000.0
    /// Watts that no pack reaches: a counter of a lifetime that rises faster is that of another BMS.
    private static let mostWattsOfPack = 100_000.0
    /// Seconds that are always granted: a counter in whole kWh rises in steps.
    private static let grace = 60.0
    /// Seconds without a reading in which a counter of today may have begun anew and passed its last reading, or half of it.
    private static let longSilence = 3_600.0
    /// Seconds without a reading in which a counter of today has begun anew for certain, also where a day has 25 hours.
    private static let day = 90_000.0
    /// Step of a counter of a lifetime, Wh.
    private static let lifetimeStep = 1_000

    /// The last reading, Wh, and its time, seconds since 1970.
    package var last: Int
    package var time: Double
    /// The reading of the counter of a lifetime, Wh.
    package var lifetime: Int?

    package init(last: Int, time: Double, lifetime: Int? = nil) {
        self.last = last
        self.time = time
        self.lifetime = lifetime
    }

    /// The energy since the last reading, Wh. It belongs to the time of this reading, also after a gap: nobody knows when it flowed.
    static func energy(
        _ counter: inout EnergyCounter?, reading: Double?, lifetime: Double? = nil, at time: Double
    ) -> Int {
        guard let whole = Step.thousandths.whole(reading), whole >= 0 else { return 0 }
        let lifetime = Step.thousandths.whole(lifetime)
        defer { counter = EnergyCounter(last: whole, time: time, lifetime: lifetime) }
        guard let before = counter else { return 0 }
        // No counter of ours: a damaged file.
        guard before.last >= 0 else { return 0 }
        // Half of what it was: a reset. Less of a fall is a correction, which is no energy.
        let silence = max(0, time - before.time)
        var energy = whole >= before.last ? whole - before.last : whole <= before.last / 2 ? whole : 0
        let told: Int? =
            if let then = before.lifetime, let lifetime, then >= 0, then <= lifetime { lifetime - then } else { nil }
        if silence > day {
            // A clock that was set forward makes a silence, too: then the counter of a lifetime knows of less.
            if told.map({ $0 + lifetimeStep >= whole }) != false { energy = whole }
        } else if silence > longSilence, let told {
            // Where both agree within a step, the finer one counts. Else the counter of today began anew, and has a part of the whole.
            let isPossible = told + lifetimeStep >= whole && Double(told) <= mostWattsOfPack * silence / 3600
            if abs(told - energy) > lifetimeStep, isPossible { energy = max(told, whole) }
        }
        let most = mostWatts * (silence + grace) / 3600
        return Double(energy) <= most ? energy : 0
    }
}
