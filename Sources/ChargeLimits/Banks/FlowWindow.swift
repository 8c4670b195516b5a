import BMSCore

/// The packs' currents in the last looks, one look a second: they show when the load is steady, and the currents then.
///
/// Frames of different packs come within a second of each other, so a step of the load reaches one pack's numbers before another's. Only a
/// total that was steady for three looks shows the current of each pack.
struct FlowWindow: Sendable {
    /// Currents of the packs while the total is steady, mA, by pack; a pack without a sensor has 0.
    struct Plateau: Sendable {
        var currents: [Double]
        var total: Double
        var at: Timestamp
    }

    private static let looks = 3
    /// Seconds over which a load that is never steady is averaged: a second between two frames does little to the mean.
    private static let slowSeconds = 20.0
    private static let restless: Int64 = 10_000

    private var rows: [[Double]] = []
    private var mean: [Double] = []
    private var calmAt: Timestamp?

    /// Takes a look.
    ///
    /// - Returns: the currents of the packs; `nil` while the load moves, except for a load that has moved for ten seconds: then its mean.
    mutating func take(_ currents: [Double], seconds: Double, at now: Timestamp) -> (plateau: Plateau, isCalm: Bool)? {
        rows = rows.suffix(Self.looks - 1) + [currents]
        if mean.isEmpty { mean = currents }
        for pack in mean.indices { mean[pack] += (currents[pack] - mean[pack]) * min(1, seconds / Self.slowSeconds) }
        let since = calmAt ?? now
        calmAt = since
        guard rows.count == Self.looks else { return nil }
        let totals = rows.map { $0.reduce(0, +) }
        let middle = totals.reduce(0, +) / Double(Self.looks)
        let spread = (totals.max() ?? 0) - (totals.min() ?? 0)
        if spread <= 1_500 + abs(middle) / 20 {
            calmAt = now
            let currents = currents.indices.map { pack in rows.reduce(0) { $0 + $1[pack] } / Double(Self.looks) }
            return (Plateau(currents: currents, total: middle, at: now), true)
        }
        guard now - since >= Self.restless else { return nil }
        return (Plateau(currents: mean, total: mean.reduce(0, +), at: now), false)
    }

    /// Forgets everything, because other packs take part from now on.
    mutating func forget() { self = FlowWindow() }
}
