/// A current sensor with its blind spot and steps, as the manuals specify them.
struct CurrentSensor: Sendable {
    /// Counts of the wire per ampere: 125 mA each.
    static let countsPerAmpere = 8.0

    /// Steps below and above ``fineRange``, and that range, A.
    let fineStep, coarseStep, fineRange: Double
    /// Range, A; beyond it the reading stays.
    let range: Double
    /// Range around zero that reads as 0, A.
    let blindSpot: Double
    /// Error that remains after zero calibration, A, and relative error.
    var offset, gain: Double

    /// - Parameter largest: current that the installation can carry, A; the owner of generation 2 chose the sensor for it, give or take 5
    ///   %.
    init(_ revision: ManualRevision, largest: Double, random: inout SplitMix64) {
        switch revision {
        case .generation2:
            // "Current measurement specifications": steps of 1/200 of the range, blind spot with switch 3 on. 100 A
            // is the default; the 400 A type has switches but no row in that table.
            let types = [(100.0, 1.25), (250, 2.5), (500, 5), (1000, 10), (2000, 20)]
            let type = types.first { largest <= 1.05 * $0.0 } ?? (2000, 20)
            range = type.0
            blindSpot = type.1
            fineStep = range / 200
            coarseStep = fineStep
            fineRange = range
        case .generation3Dealer, .generation3Rev6, .generation3Rev13:
            // "Dual range current sensor": 50 mA below 20 A, 1.25 A above, 500 A at most. Blind spot +-300 mA
            // (dealer, rev 6) or +-150 mA (rev 13) without loops.
            range = 500
            fineRange = 20
            fineStep = 0.05
            coarseStep = 1.25
            blindSpot = revision == .generation3Rev13 ? 0.150 : 0.300
        }
        offset = random.bell(blindSpot / 6)
        gain = 1 + random.bell(0.003)
    }

    /// Counts of 125 mA, with sign.
    func counts(_ amperes: Double, noise: Double) -> Int {
        let sensed = min(max(amperes * gain + offset + noise, -range), range)
        if sensed.magnitude <= blindSpot { return 0 }
        let step = sensed.magnitude < fineRange ? fineStep : coarseStep
        return nearest(Double(nearest(sensed / step)) * step * Self.countsPerAmpere)
    }
}
